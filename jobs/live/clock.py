"""One clock for a whole session, over sources whose own clocks begin anew, jump or are missing."""

from fractions import Fraction
from typing import Final

TIME_BASE: Final = Fraction(1, 90_000)
"""Unit of a session's pts in s: the customary video clock, in which the common frame rates are whole numbers."""

_TRUSTED_WITHIN: Final = Fraction(1)
_PATIENCE: Final = 0.5


class SessionClock:
    """Gives every picture its pts: the source's own time of it, counted from the session's first picture.

    A camera's clock tells when light fell on its sensor, which the time of arrival, after buses and networks, does
    not. But where a live source's clock and ours come to differ by more than a second, it jumped, and ours counts.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._last = -1
        self._shift: Fraction | None = None  # session time less the source's
        self._ahead = 0.0  # time on our clock less session time, of a paced source

    def reconnected(self) -> None:
        """Say that the next picture comes from a new connection."""
        self._shift = None

    def stamp(self, moment: Fraction | None, now: float, paced: bool) -> int:
        """Return the pts of a picture; they rise strictly.

        Args:
            moment: the source's time of it in s, or None.
            now: time.monotonic().
            paced: the source is played by its own clock, which is right however late pictures come.
        """
        if self._began is None:
            self._began = self._ahead = now
        arrived = Fraction(round((now - self._began) / float(TIME_BASE))) * TIME_BASE
        time = arrived
        if moment is not None:
            if self._shift is None or (not paced and abs(moment + self._shift - arrived) > _TRUSTED_WITHIN):
                self._shift = arrived - moment
            time = moment + self._shift
        self._last = max(self._last + 1, round(time / TIME_BASE))
        return self._last

    def wait_s(self, pts: int, now: float) -> float:
        """Return for how many seconds the picture with this pts of a paced source is to be held back.

        A player that cannot keep up plays on more slowly, rather than racing after what it missed.
        """
        wait = self._ahead + float(pts * TIME_BASE) - now
        if wait < -_PATIENCE:
            self._ahead -= wait
        return max(0.0, wait)
