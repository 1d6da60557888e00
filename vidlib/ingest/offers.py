"""A file that somebody offers for download."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DownloadOffer:
    """An offered file: its link as received, the time of the offer (seconds since 1970), a copy and a name."""

    link: str
    offered_at: float
    proxy: str | None = None
    name: str | None = None

    @property
    def links(self) -> tuple[str, ...]:
        """The links to the file, in the order of the attempts."""
        return (self.proxy, self.link) if self.proxy else (self.link,)

    @property
    def provider(self) -> str:
        """The name of the service that hosts the link."""
        from vidlib.ingest.providers import provider_of  # with a library for downloads, which few runs need

        return provider_of(self.link).name
