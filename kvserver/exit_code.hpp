// How the process ends, for scripts and supervisors. Numbers as in sysexits.h where one fits.
#pragma once

namespace kv::exit_code {

inline constexpr int success = 0;
inline constexpr int failure = 1;         ///< Whatever has no number of its own: a port in use.
inline constexpr int usage = 2;           ///< Flags, or no data and nothing said about founding.
inline constexpr int data_missing = 66;   ///< A data or snapshot file is gone.
inline constexpr int unreachable = 69;    ///< Nobody to join answers.
inline constexpr int cannot_create = 73;  ///< The data directory cannot be made.
inline constexpr int storage = 74;        ///< Disk error, or data that is not what was written.
inline constexpr int newer_format = 76;   ///< Data that a newer version has written.
inline constexpr int permission = 77;     ///< The data directory may not be used.
inline constexpr int identity = 78;       ///< Data of another node or cluster, a taken id, a
                                          ///< removed member.

}  // namespace kv::exit_code
