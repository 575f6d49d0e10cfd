"""The manifest of everything the platform says to a citizen."""

from typing import Annotated

from pydantic import AfterValidator, Field

from config.schema.base import Id, Language, Model


def _speakable(value: str) -> str:
    if not any(letter.isalnum() for letter in value):
        raise ValueError("holds nothing that can be spoken; write a sentence")
    return value


Spoken = Annotated[str, Field(min_length=1, max_length=600), AfterValidator(_speakable)]


class Prompt(Model):
    """One text, in each language."""

    zh: Spoken
    """The text in Chinese; Latin letters can not be spoken in Mandarin."""
    en: Spoken
    """The text in English."""

    def text(self, language: Language) -> str:
        """Return the text in one language."""
        return self.zh if language == "zh" else self.en


class Prompts(Model):
    """prompts.yaml."""

    prompts: dict[Id, Prompt]
    """Every prompt by its id."""
