"""A page says nothing on the console, fails at nothing and asks nothing of the network."""

from playwright.sync_api import Page, Request


def listen(page: Page) -> list[str]:
    """A list that grows by what goes wrong from now on while pages are opened in this tab."""
    heard: list[str] = []

    def hear(what: str) -> None:
        if what not in heard:
            heard.append(what)

    page.on("console", lambda message: message.type == "error" and hear(f"on the console: {message.text}"))
    page.on("pageerror", lambda error: hear(f"a script fails: {error.message}"))
    page.on("request", lambda request: local(request.url) or hear(f"asks the network for {request.url}"))
    failed = "requestfailed"
    page.on(failed, lambda request: left(request) or hear(f"{request.url} cannot be loaded: {request.failure}"))
    return heard


def left(request: Request) -> bool:
    """Whether the page was left while the request was under way; a file that is missing fails in another way."""
    return request.failure == "net::ERR_ABORTED"


def local(address: str) -> bool:
    return address.startswith(("file:", "data:", "blob:", "about:"))


def taken(heard: list[str]) -> list[str]:
    """What was heard since the last time."""
    found, heard[:] = list(heard), []
    return found
