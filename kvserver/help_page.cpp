#include "kvserver/help_page.hpp"

namespace kv {

std::string help_page() {
  return version_line() + R"(

A replicated key-value store. Any node takes any request.

  curl 'http://HOST/set?key=K&value=V'           write a short value
  curl 'http://HOST/get?key=K'                   read it
  curl -T FILE http://HOST/v1/kv/K               write the bytes of a file
  curl http://HOST/v1/kv/K                       read exactly these bytes
  curl -X DELETE http://HOST/v1/kv/K             delete

  curl 'http://HOST/v1/kv?prefix=P'              list keys  (&keys=true &count=true &reverse=true &limit=N)
  curl -N 'http://HOST/v1/watch?prefix=P'        every change from now on  (&from=INDEX: from there on)
  curl 'http://HOST/v1/kv/K?index=17&wait=30s'   once it changes after index 17

  Only if unchanged:   -H 'If-Match: "17"'  or  ?cas=17   (?cas=0: only if absent)
  How fresh a read is: ?consistency=linearizable | lease | stale
  How long to wait:    ?timeout=500ms
  Exactly once:        -H 'Idempotency-Key: CLIENT:SEQUENCE'
  No forwarding:       -H 'Prefer: redirect'  or  ?forward=false

  GET  /v1/watch /v1/status /v1/cluster /v1/cluster/leader /metrics /livez /readyz /healthz /version
  POST /v1/cluster/leader        {"to":2}
  POST /v1/cluster/members       {"id":4,"raft":"HOST:PORT","http":"HOST:PORT"}
  DELETE /v1/cluster/members/4
)";
}

std::string version_line() { return "kvserver " KVSERVER_VERSION; }

}  // namespace kv
