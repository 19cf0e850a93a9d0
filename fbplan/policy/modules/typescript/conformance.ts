// What the conformance runners ask. No part of what applications use; it may change.

export function internals() {
  return {
    action, begin, canonical, classify, emptyState, grantOf, isEnd, nextPolicy, nextUsage, proceed, readPolicy, readUsage,
    rounds, settled, stampMs, stampOf, told, turn, View, writeRecord, Unusable,
  } as const;
}
