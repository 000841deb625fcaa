"""One clock for a whole session, over sources whose own clocks restart, jump or are missing."""

from fractions import Fraction
from typing import Final

TIME_BASE: Final = Fraction(1, 90_000)
"""Unit of a session's pts in s: the usual video clock, in which a frame of any common rate lasts a whole number."""

_TRUSTED_WITHIN: Final = Fraction(1)
_LONGEST_GAP: Final = Fraction(60)
"""s until the next picture of a file that are waited for; more is a step of its clock."""
_PATIENCE: Final = 0.5


class SessionClock:
    """Gives every picture its pts: the source's own time for it, counted from the session's first picture.

    A camera's clock says when light fell on its sensor; the time of arrival, after buses and networks, does not. But
    where the clock of a live source drifts from ours by more than a second, it has jumped, and ours counts.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._last = -1
        self._shift: Fraction | None = None  # session time minus the source's
        self._ahead = 0.0  # our clock minus session time, for a paced source

    def reconnected(self) -> None:
        """Note that the next picture comes from a new connection, whose clock may have restarted."""
        self._shift = None

    def stamp(self, source_time: Fraction | None, now: float, paced: bool) -> int:
        """Return the pts of the next picture.

        Args:
            source_time: the source's time for it in s, or None.
            now: ``time.monotonic()``.
            paced: whether the source is played by its own clock, which is right however late pictures come.

        Returns:
            The pts in units of :data:`TIME_BASE`; strictly rising from picture to picture.
        """
        if self._began is None:
            self._began = self._ahead = now
        arrived = Fraction(round((now - self._began) / float(TIME_BASE))) * TIME_BASE
        time = arrived
        if source_time is not None:
            shown = max(self._last, 0) * TIME_BASE
            if self._shift is None or (not paced and abs(source_time + self._shift - arrived) > _TRUSTED_WITHIN):
                self._shift = arrived - source_time
            elif paced and not -_TRUSTED_WITHIN < source_time + self._shift - shown < _LONGEST_GAP:
                self._shift = shown - source_time  # the clock of the file steps; the movie goes on
            time = source_time + self._shift
        self._last = max(self._last + 1, round(time / TIME_BASE))
        return self._last

    def wait_s(self, pts: int, now: float) -> float:
        """Return for how many seconds a picture of a paced source has to wait until it is shown.

        A player that cannot keep up plays more slowly; it does not race to catch up.
        """
        wait = self._ahead + float(pts * TIME_BASE) - now
        if wait < -_PATIENCE:
            self._ahead -= wait
        return max(0.0, wait)
