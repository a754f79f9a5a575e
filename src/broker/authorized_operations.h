// The bit sets of operations that answers carry when asked for them (KIP-430). Without an authorizer everybody may do
// all that the resource knows. Source: Kafka's AclEntry.supportedOperations; bit n stands for AclOperation n.
#pragma once

#include <cstdint>

namespace milena {

constexpr int32_t kReadBit = 1 << 3;
constexpr int32_t kWriteBit = 1 << 4;
constexpr int32_t kCreateBit = 1 << 5;
constexpr int32_t kDeleteBit = 1 << 6;
constexpr int32_t kAlterBit = 1 << 7;
constexpr int32_t kDescribeBit = 1 << 8;
constexpr int32_t kClusterActionBit = 1 << 9;
constexpr int32_t kDescribeConfigsBit = 1 << 10;
constexpr int32_t kAlterConfigsBit = 1 << 11;
constexpr int32_t kIdempotentWriteBit = 1 << 12;

// Said of SECURITY_DISABLED.
constexpr const char* kNoAuthorizer = "No Authorizer is configured.";

constexpr int32_t kAllTopicOperations = kReadBit | kWriteBit | kCreateBit | kDescribeBit | kDeleteBit | kAlterBit |
                                        kDescribeConfigsBit | kAlterConfigsBit;
constexpr int32_t kAllClusterOperations = kCreateBit | kClusterActionBit | kDescribeConfigsBit | kAlterConfigsBit |
                                          kIdempotentWriteBit | kAlterBit | kDescribeBit;
constexpr int32_t kAllGroupOperations = kReadBit | kDescribeBit | kDeleteBit | kDescribeConfigsBit | kAlterConfigsBit;

}  // namespace milena
