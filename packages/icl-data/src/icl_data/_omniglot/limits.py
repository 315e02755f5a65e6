"""How large Omniglot's files may honestly be, so that no others are read into memory."""

from __future__ import annotations

MOST_OF_AN_IMAGE = 1 << 16
"""Bytes of an image file. The official ones have some 100 to 600, uncompressed ones 1,700; the rest is for what image
programs add."""
MOST_OF_A_LIST = 1 << 23
"""Bytes of a zip's list of entries. The official ones have 2 MB, and twice that when a Mac has made them."""
_MOST_PER_IMAGE = 1 << 12  # bytes of images and zip for each official image, on average
_MOST_FOLDERS_AND_FILES = 8  # for each official image


class Allowance:
    """What is left of the images, entries and bytes that a part may have; each that is taken is counted.

    Args:
        n_images: images of the official part.

    Attributes:
        most_bytes: of all images together, and of the zip.
        most_images: images.
    """

    def __init__(self, n_images: int) -> None:
        self.most_bytes = n_images * _MOST_PER_IMAGE
        self.most_images = 2 * n_images
        self._most_entries = n_images * _MOST_FOLDERS_AND_FILES
        self._images = self._entries = self._bytes = 0

    def take_entries(self, number: int) -> None:
        """Folders and files of whatever sort.

        Args:
            number: how many.

        Raises:
            ValueError: they are too many.
        """
        self._entries += number
        if self._entries > self._most_entries:
            raise ValueError(f"it must have at most {self._most_entries:,} folders and files")

    def take_image(self, size: int) -> None:
        """An image file.

        Args:
            size: its bytes.

        Raises:
            ValueError: it is one too many, or all are too large together.
        """
        self._images += 1
        self._bytes += size
        if self._images > self.most_images:
            raise ValueError(f"it must have at most {self.most_images:,} images")
        if self._bytes > self.most_bytes:
            raise ValueError(f"its images must have at most {self.most_bytes:,} bytes in all")
