"""Platform credits: the emulated organisation has none, which the API says with a code of its own."""

from __future__ import annotations

from fbplan.emulator.answers import Answer, Form, Rejected
from fbplan.emulator.call import Call, Operation


def not_enabled(_call: Call) -> Answer:
    raise Rejected(400, "Credits are not enabled for this organisation", "CREDITS_NOT_ENABLED")


def none_on_offer(_call: Call) -> Answer:
    return Answer({"success": True, "data": []})


OPERATIONS = (
    Operation("GET", "/credits/balance", not_enabled, Form.CODED),
    Operation("GET", "/credits/transactions", not_enabled, Form.CODED),
    Operation("GET", "/credits/stats/monthly", not_enabled, Form.CODED),
    Operation("GET", "/credits/rates", none_on_offer, Form.CODED, is_public=True),
    Operation("GET", "/credits/packs", none_on_offer, Form.CODED, is_public=True),
)
