"""Lists in pages: whose list a token belongs to, and what comes next."""

import msgspec

from dragoman.authz.check import Actor
from dragoman.authz.policy import Action, Reach
from dragoman.dialects.dragoman.values import PageParameters
from dragoman.domain.page import Cursor, Page, PageQuery, T
from dragoman.registry.page_tokens import PageTokens

NOT_FILTERS = {"page_size", "page_token"}


class Listing:
    """One list as one caller sees it. Its tokens are no use on another one."""

    def __init__(self, tokens: PageTokens, who: Actor, list_of: str, asked: PageParameters) -> None:
        self._tokens = tokens
        self._asked = asked
        sees_own = who.reach(Action.LIST) is Reach.OWN
        self._about = msgspec.json.encode(
            [
                list_of,
                who.organization_id,
                who.principal_id if sees_own else None,
                asked.model_dump(mode="json", exclude=NOT_FILTERS, exclude_none=True),
            ],
            order="sorted",
        )

    @property
    def after(self) -> Cursor | None:
        """Where the page begins. Raises Invalid (`page_token`)."""
        token = self._asked.page_token
        return None if token is None else self._tokens.read(token, self._about)

    @property
    def query(self) -> PageQuery:
        """Which part of the list is asked for. Raises Invalid (`page_token`)."""
        return PageQuery(after=self.after, limit=self._asked.page_size)

    def next_token(self, page: Page[T]) -> str | None:
        """Write the token of the page after this one."""
        return self._tokens.write(page.next, self._about)
