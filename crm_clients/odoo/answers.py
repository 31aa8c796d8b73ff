"""Judge Odoo's answers: which error may pass, which lasts until a person acts."""

from __future__ import annotations

from collections.abc import Mapping

from crm_clients.errors import CrmNonsense, CrmRefused, RightsMissing
from crm_clients.shared.answers import Answer, TryAgain, standard_judge
from crm_clients.shared.redaction import one_line

BAD_KEY = (
    "Odoo does not accept the API key: make a new one (Preferences, Account Security) "
    "for the user `login` and put it into api_key"
)
_PROGRAM_ERRORS = frozenset(
    f"builtins.{name}" for name in ("ValueError", "KeyError", "TypeError", "AttributeError", "NameError")
)


class RouteMissing(CrmRefused):
    """Report that /json/2 does not exist: an older Odoo, a wrong database or no Odoo at all."""


def judge_json2(answer: Answer) -> None:
    """Judge an answer of JSON-2, which has a real status; the body of an error names the exception."""
    if answer.status < 300:
        return
    if answer.status == 401:
        raise CrmRefused(BAD_KEY)
    if answer.status == 404 and not answer.is_json:
        raise RouteMissing("Odoo does not know this database, or is older than 19 (HTTP 404): check url and database")
    if isinstance(answer.data, Mapping):
        _judge_exception(str(answer.data.get("name", "")), str(answer.data.get("message", "")))
    standard_judge(answer)


def judge_jsonrpc(answer: Answer) -> None:
    """Judge an answer of JSON-RPC, which is 200 even for errors; `debug` holds a traceback and is never read."""
    if answer.status == 404:
        raise CrmRefused("there is no Odoo at this address (HTTP 404): check `url`")
    standard_judge(answer)
    error = answer.data.get("error") if isinstance(answer.data, Mapping) else None
    if error is None:
        return
    data = error.get("data") if isinstance(error, Mapping) else None
    name, message = (str(data.get(key, "")) for key in ("name", "message")) if isinstance(data, Mapping) else ("", "")
    if name.endswith(".OperationalError") and "does not exist" in message:
        raise CrmRefused("Odoo does not know the database: check `database`")
    _judge_exception(name, message)
    raise TryAgain(f"Odoo failed ({one_line(name or error, 80)})")


def _judge_exception(name: str, message: str) -> None:
    """Raise for errors that another attempt would not mend; return for the rest."""
    said = one_line(message.split("\n", 1)[0], 200)
    if name.endswith((".AccessDenied", ".SessionExpiredException")):
        raise CrmRefused(BAD_KEY)
    if name.endswith(".AccessError"):
        raise RightsMissing(f"the API key's user may not read it: {said}")
    if name.endswith(".MissingError"):
        raise TryAgain("Odoo deleted a record while it was being read")
    if name.endswith(".NotFound"):
        raise RightsMissing(f"this Odoo does not offer it: {said}")
    if name.endswith((".UserError", ".ValidationError")):
        raise CrmRefused(f"Odoo refused: {said}")
    if name in _PROGRAM_ERRORS:
        raise CrmNonsense(f"Odoo does not understand us: {said}")
