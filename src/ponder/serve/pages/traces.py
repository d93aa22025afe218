"""Traces: what was asked on this machine; search it, filter it, pick two to compare, delete.

Everything is a form or a link, so the page is whole without scripts.
"""

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ponder.errors import InputError, NotFoundError
from ponder.serve.pages.frame import form_of, page, with_query
from ponder.serve.service import service_of
from ponder.store import Store, Summary

PER_PAGE = 50
MOST_QUERY = 500
ENDS = {
    "finished": "finished",
    "cut": "cut short",
    "running": "running or interrupted",
    "closed": "reasoning closed for it",
}
"""Filter → how it is called."""
_SECTION = "Traces"


def listing(request: Request) -> Response:
    """`GET /traces`: a page of the list."""
    given = request.query_params
    query, model, end = given.get("q", "")[:MOST_QUERY].strip(), given.get("model", ""), given.get("end", "")
    branched = given.get("branches", "") == "yes"
    found = service_of(request).store.list(query or None)
    parents = {each.parent for each in found if each.parent}
    shown = [
        each
        for each in found
        if (not model or each.model == model)
        and (end not in ENDS or end == end_of(each) or (end == "closed" and was_closed(each)))
        and (not branched or each.id in parents or each.parent)
    ]
    number = _number(given.get("page", "1"))
    pages = max(1, -(-len(shown) // PER_PAGE))
    number = min(number, pages)
    filters = {"q": query, "model": model, "end": end, "branches": "yes" if branched else ""}
    return page(
        request,
        "traces.html",
        _SECTION,
        "Traces",
        traces=shown[(number - 1) * PER_PAGE : number * PER_PAGE],
        total=len(shown),
        everything=len(found),
        models=sorted({each.model for each in found} | ({model} if model else set())),
        ends=ENDS,
        filters=filters,
        branch_counts=_branch_counts(found),
        number=number,
        pages=pages,
        earlier=with_query("/traces", **filters, page=number - 1) if number > 1 else "",
        later=with_query("/traces", **filters, page=number + 1) if number < pages else "",
    )


def end_of(summary: Summary) -> str:
    """The filter that a trace's end belongs to."""
    if summary.reason is None:
        return "running"
    return "finished" if summary.reason == "stop" else "cut"


def was_closed(summary: Summary) -> bool:
    """Whether somebody other than the model ended its reasoning."""
    return summary.closed_by in {"budget", "context", "loop", "eos", "user"}


def selected(request: Request) -> Response:
    """`GET /traces/selected`: what the list's buttons lead to, for the traces that are ticked."""
    names = request.query_params.getlist("id")[:PER_PAGE]
    if request.query_params.get("do") == "compare":
        if len(names) != 2:
            raise InputError(f"two traces are compared, and {len(names)} are ticked: go back and tick two.")
        return RedirectResponse(with_query("/compare", a=names[0], b=names[1]), 303)
    if not names:
        raise InputError("no trace is ticked: go back and tick those to delete.")
    return page(request, "delete.html", _SECTION, "Delete", traces=_known(service_of(request).store, names))


async def delete(request: Request) -> Response:
    """`POST /traces/delete`: delete the traces of a confirmed form."""
    names = (await form_of(request)).get("id", [])
    store = service_of(request).store
    for name in names:
        await run_in_threadpool(_delete, store, name)
    return RedirectResponse("/traces", 303)


def _delete(store: Store, name: str) -> None:
    _known(store, [name])
    store.delete(name)


def _known(store: Store, names: Sequence[str]) -> list[Summary]:
    """The traces with exactly these ids; raises NotFoundError."""
    found = []
    for name in names:
        same = [each for each in store.tree(name) if each.id == name and not each.deleted]
        if not same:
            raise NotFoundError(f"there is no trace {name[:20]!r} any more.")
        found += same
    return found


def _branch_counts(found: Sequence[Summary]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in found:
        if each.parent:
            counts[each.parent] = counts.get(each.parent, 0) + 1
    return counts


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 8 else 1


ROUTES = [
    Route("/traces", listing),
    Route("/traces/selected", selected),
    Route("/traces/delete", delete, methods=["POST"]),
]
