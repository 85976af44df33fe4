"""The GraphQL documents that an operator trusts: the files of one folder, and nothing else is answered then."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from muster.settings import SettingError, Settings

SETTING: Final = "MUSTER_TRUSTED_DOCUMENTS"


def trusted_documents(settings: Settings) -> tuple[str, ...]:
    """Return the text of each .graphql file of the folder and of those in it, by path; none without the setting.

    Raises SettingError where there is no such folder, it has no such file, or one of them is no text.
    """
    if not settings.trusted_documents:
        return ()
    folder = Path(settings.trusted_documents)
    if not folder.is_dir():
        raise SettingError(f"{SETTING}: there is no folder {folder}")
    paths = sorted(folder.rglob("*.graphql"))
    if not paths:
        raise SettingError(f"{SETTING}: there is no .graphql file in {folder}, so nothing would be answered")
    return tuple(_read(path) for path in paths)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{SETTING}: {path} cannot be read: {error}") from None


def check_trusted_documents(settings: Settings) -> None:
    """Stop a start whose trusted documents the schema does not know. Raises SettingError, naming the first fault."""
    from graph.documents import Documents, Refused
    from graph.schema import build_api

    texts = trusted_documents(settings)
    if not texts:
        return
    api = build_api()
    documents = Documents(api.schema, api.access)
    for text in texts:
        try:
            documents.trust(text)
        except Refused as refused:
            where = " ".join(text.split())[:60]
            raise SettingError(f"{SETTING}: {refused.errors[0].message} In: {where}") from None
