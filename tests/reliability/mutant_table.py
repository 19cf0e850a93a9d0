"""The deliberate mistakes, and the test that catches each: kept complete by a test, shown in docs/reliability.md."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One mistake, in words, and where it is caught."""

    mistake: str
    file: str
    test: str


HERE, CORE = "tests/reliability/test_mutants_killed.py", "tests/core/test_mutants.py"
ROUTED = "tests/reliability/test_mutants_of_what_is_routed.py"

MUTANTS = tuple(
    Mutant(*row)
    for row in (
        ("the intent is written, and not synced", HERE, "test_an_intent_that_is_not_synced"),
        ("the disk says that it synced, and did not", HERE, "test_a_disk_that_lies"),
        ("the intent is written when the call is over", HERE, "test_a_late_intent"),
        ("the outcome is written before the call", HERE, "test_an_early_outcome"),
        ("a create that nobody can tell of counts as failed", HERE, "test_an_unknown_taken_for_a_failure"),
        ("a POST is sent again when its answer is lost", HERE, "test_a_post_repeated_blindly"),
        ("a step begins although one that it needs failed", HERE, "test_a_dependant_that_begins_anyway"),
        ("what the API quotes in a refusal is told", HERE, "test_a_refusal_told_as_it_came"),
        ("the sink is not read back", HERE, "test_a_sink_that_is_not_read_back"),
        ("one of two candidates is taken for ours", HERE, "test_a_guess_between_two"),
        ("an intent without an outcome is passed over", HERE, "test_an_open_intent_passed_over"),
        ("the lock is given to whoever asks", HERE, "test_a_lock_that_everybody_gets"),
        ("the ledger is written over a newer one", HERE, "test_a_ledger_written_over_a_newer_one"),
        ("an empty listing is trusted", HERE, "test_an_empty_listing_trusted"),
        ("the preconditions are not checked", HERE, "test_preconditions_not_checked"),
        ("in a whole life, contract comes before the policy is published", ROUTED, "test_an_early_contract_in_a_life"),
        ("a drain that is taken back is not written down", ROUTED, "test_a_drain_taken_back_only_in_memory"),
        ("deletes come first, and nothing waits", CORE, "test_naive_order_is_caught"),
        ("contract comes before the policy is published", CORE, "test_contract_before_publish_is_caught"),
        ("contract does not wait for its drain", CORE, "test_contract_that_does_not_wait_for_its_drain_is_caught"),
        ("the diff is always empty", CORE, "test_an_always_empty_diff_is_caught"),
        ("a saved plan is applied to a world that moved", CORE, "test_a_dropped_precondition_is_caught"),
        ("creates follow from an empty listing", CORE, "test_trusting_an_empty_list_is_caught"),
    )
)
