"""The key of the cast, and what it encrypts.

The recipe is Fernet of the package `cryptography`: AES-128-CBC with HMAC-SHA256, under a random key of 32 bytes.
"""

import os
import stat
from pathlib import Path

from vidlib.errors import BrokenOutput, SettingError
from vidlib.settings import Settings


class Cipher:
    """Encrypts and decrypts with one key; ``origin`` says where the key is."""

    def __init__(self, key: bytes, origin: str):
        from cryptography.fernet import Fernet

        try:
            self._fernet: Fernet = Fernet(key)
        except ValueError as error:
            raise SettingError(
                f"{origin} holds no key of the cast; expected 32 bytes in URL-safe base64, as the first use writes them"
            ) from error
        self.origin = origin

    def encrypt(self, data: bytes) -> bytes:
        """The encrypted data, which begins with the time in seconds."""
        return self._fernet.encrypt(data)

    def decrypt(self, token: bytes) -> bytes:
        """What `encrypt` was given; raises BrokenOutput for another key, or for data that was changed."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(token)
        except InvalidToken as error:
            raise BrokenOutput(
                f"the cast cannot be decrypted: it is damaged, or {self.origin} is not its key; restore the key"
            ) from error


def open_cipher(settings: Settings) -> Cipher:
    """The cipher with the key of the settings; the first use makes the key file, readable for this user only.

    Raises SettingError for a key file that others can read, that lies beside what it protects, or that holds no key.
    """
    if settings.cast_key:
        return Cipher(settings.cast_key.get_secret_value().encode(), "VIDLIB_CAST_KEY")
    path = settings.cast_key_file
    for folder in (settings.cast, settings.archive):
        if path.resolve().is_relative_to(folder.resolve()):
            raise SettingError(
                f"VIDLIB_CAST_KEY_FILE={str(path)!r} lies in {folder}, which it protects; expected another folder"
            )
    if not path.exists():
        if any(settings.cast.glob("*.sqlite")):
            raise SettingError(f"the key of the cast is not at {path}; restore it, or set VIDLIB_CAST_KEY_FILE")
        _make_key(path)
    if mode := stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingError(f"other users may use {path} (mode {mode:03o}); run: chmod 600 {path}")
    return Cipher(path.read_bytes().strip(), str(path))


def _make_key(path: Path) -> None:
    from cryptography.fernet import Fernet

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())
