#include "util/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#define RAFT_CRC32C_SSE42
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#define RAFT_CRC32C_ARM
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace raft::util {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // 0x1edc6f41 with its bits reversed.

using Table = std::array<std::uint32_t, 256>;

// tables[k][b] is what byte b adds when k more bytes follow it, so that eight bytes need eight
// independent look-ups instead of a chain of eight ("slicing by eight").
constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> tables = make_tables();

std::uint32_t at(const char* bytes, std::size_t i) { return static_cast<unsigned char>(bytes[i]); }

// All three work on the inverted register, as the definition of CRC32C asks.

std::uint32_t extend_by_table(std::uint32_t crc, const char* bytes, std::size_t size) {
  for (; size >= 8; bytes += 8, size -= 8) {
    const std::uint32_t low =
        crc ^ (at(bytes, 0) | at(bytes, 1) << 8 | at(bytes, 2) << 16 | at(bytes, 3) << 24);
    crc = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^
          tables[4][low >> 24] ^ tables[3][at(bytes, 4)] ^ tables[2][at(bytes, 5)] ^
          tables[1][at(bytes, 6)] ^ tables[0][at(bytes, 7)];
  }
  for (; size > 0; ++bytes, --size) crc = (crc >> 8) ^ tables[0][(crc ^ at(bytes, 0)) & 0xff];
  return crc;
}

#if defined(RAFT_CRC32C_SSE42)

bool has_instruction() { return __builtin_cpu_supports("sse4.2"); }

__attribute__((target("sse4.2"))) std::uint32_t extend_by_instruction(std::uint32_t crc,
                                                                      const char* bytes,
                                                                      std::size_t size) {
  std::uint64_t wide = crc;
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++bytes, --size) {
    crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*bytes));
  }
  return crc;
}

#elif defined(RAFT_CRC32C_ARM)

bool has_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

// The two compilers name both the target and the instructions differently.
#if defined(__clang__)
#define RAFT_CRC32C_TARGET "crc"
#define RAFT_CRC32C_WORD __builtin_arm_crc32cd
#define RAFT_CRC32C_BYTE __builtin_arm_crc32cb
#else
#define RAFT_CRC32C_TARGET "+crc"
#define RAFT_CRC32C_WORD __builtin_aarch64_crc32cx
#define RAFT_CRC32C_BYTE __builtin_aarch64_crc32cb
#endif

__attribute__((target(RAFT_CRC32C_TARGET))) std::uint32_t extend_by_instruction(std::uint32_t crc,
                                                                                const char* bytes,
                                                                                std::size_t size) {
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    crc = RAFT_CRC32C_WORD(crc, word);
  }
  for (; size > 0; ++bytes, --size) {
    crc = RAFT_CRC32C_BYTE(crc, static_cast<unsigned char>(*bytes));
  }
  return crc;
}

#else

bool has_instruction() { return false; }

std::uint32_t extend_by_instruction(std::uint32_t crc, const char* bytes, std::size_t size) {
  return extend_by_table(crc, bytes, size);
}

#endif

}  // namespace

std::uint32_t crc32c(BytesView bytes, std::uint32_t crc) {
  static const bool use_instruction = has_instruction();
  if (!use_instruction) return crc32c_by_table(bytes, crc);
  return ~extend_by_instruction(~crc, bytes.data(), bytes.size());
}

std::uint32_t crc32c_by_table(BytesView bytes, std::uint32_t crc) {
  return ~extend_by_table(~crc, bytes.data(), bytes.size());
}

}  // namespace raft::util
