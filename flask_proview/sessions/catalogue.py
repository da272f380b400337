"""Every event type, once: id, name, meaning, weight, severity. Ids of Proview's documentation keep their number; ours start at 10000.

static/sdk/events.js names what the browser sends; a test compares. ``weight`` is what one occurrence takes from a perfect
index of 100 before a person judges; 0 is information. Source of the documented ids: Proview's user action event catalog.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """How loud the timeline is. ``technical`` is never held against the candidate."""

    INFO = "info"
    TECHNICAL = "technical"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class EventType:
    id: int
    name: str
    meaning: str
    severity: Severity
    weight: int

    @property
    def documented(self) -> bool:
        """Whether the id is one of Proview's."""
        return self.id < 10_000


_INFO, _TECHNICAL, _LOW, _MEDIUM, _HIGH = (
    Severity.INFO,
    Severity.TECHNICAL,
    Severity.LOW,
    Severity.MEDIUM,
    Severity.HIGH,
)
_TABLE = (
    (3, "Session Joined", "The candidate entered the session.", _INFO, 0),
    (4, "Window Focus-In", "The exam window is the active one again.", _INFO, 0),
    (5, "Window Focus-Out", "The candidate left the exam window.", _MEDIUM, 3),
    (6, "User Idle", "No keyboard or mouse for a while.", _LOW, 1),
    (7, "User Active", "The candidate uses keyboard or mouse again.", _INFO, 0),
    (9, "Socket connection success", "The link to the server is up.", _TECHNICAL, 0),
    (10, "Socket disconnected", "The link to the server was lost.", _TECHNICAL, 0),
    (12, "Screen-capture Stopped", "The screen is not recorded any more.", _HIGH, 5),
    (13, "Recording Started", "Recording began.", _INFO, 0),
    (14, "Recording Stopped", "Recording ended.", _INFO, 0),
    (15, "Face Detected", "A face is visible.", _INFO, 0),
    (16, "Face Not Detected", "No face is in view.", _HIGH, 5),
    (17, "Notification Permission Granted", "The browser may show notifications.", _INFO, 0),
    (18, "Notification Permission Denied", "The browser may not show notifications.", _INFO, 0),
    (26, "Camera Test Passed", "The camera passed the device check.", _INFO, 0),
    (27, "Camera Test Failed", "The camera failed the device check.", _TECHNICAL, 0),
    (34, "Audio Test Passed", "The microphone passed the device check.", _INFO, 0),
    (60, "Camera Detected", "A camera was found.", _INFO, 0),
    (81, "Multiple Face Detected", "More than one face is in view.", _HIGH, 5),
    (113, "Session Completed", "The candidate finished; proctoring ended.", _INFO, 0),
    (145, "Photo ID capture", "A photo of the identity document was taken.", _INFO, 0),
    (146, "Face capture", "A photo of the face was taken.", _INFO, 0),
    (10000, "Page Hidden", "The exam page is not visible: another tab, or minimised.", _MEDIUM, 3),
    (10001, "Page Visible", "The exam page is visible again.", _INFO, 0),
    (10002, "Fullscreen Entered", "The page fills the screen.", _INFO, 0),
    (10003, "Fullscreen Left", "The page does not fill the screen any more.", _LOW, 1),
    (10004, "Text Copied", "Text was copied.", _LOW, 1),
    (10005, "Text Cut", "Text was cut.", _LOW, 1),
    (10006, "Text Pasted", "Text was pasted.", _MEDIUM, 3),
    (10007, "Network Lost", "The candidate's connection was lost.", _TECHNICAL, 0),
    (10008, "Network Restored", "The candidate's connection is back.", _TECHNICAL, 0),
    (10009, "Page Loaded", "A page of the exam was loaded.", _INFO, 0),
    (10010, "Session Paused", "Capture was stopped on request.", _INFO, 0),
    (10011, "Session Resumed", "Capture goes on.", _INFO, 0),
    (10012, "Consent Given", "The candidate agreed to the recording.", _INFO, 0),
    (10013, "Screen-capture Started", "The screen is recorded.", _INFO, 0),
    (10014, "Camera Lost", "The camera was disconnected or its permission withdrawn.", _MEDIUM, 2),
    (10015, "Microphone Lost", "The microphone was disconnected or its permission withdrawn.", _MEDIUM, 2),
    (10016, "Device Restored", "Camera and microphone are back.", _INFO, 0),
    (10017, "Shared Surface Is Not A Monitor", "A window or tab is shared instead of the entire screen.", _MEDIUM, 3),
    (10018, "Local Buffer Full", "The browser has no room left to keep the recording.", _TECHNICAL, 0),
    (
        10019,
        "Local Buffer Not Durable",
        "The browser cannot keep the recording over a crash (private window).",
        _TECHNICAL,
        0,
    ),
    (10020, "Piece Refused", "The server refused a piece of the recording for good.", _TECHNICAL, 0),
    (10021, "Session Opened Elsewhere", "The session was opened in another window or tab.", _LOW, 1),
    (10022, "Recorder Restarted", "The browser's recorder failed and was started again.", _TECHNICAL, 0),
    (10025, "Session Expired", "No sign of life; the server closed the session.", _TECHNICAL, 0),
    (10026, "Session Terminated", "A proctor ended the session.", _INFO, 0),
    (10027, "Piece Conflict", "Other bytes were sent for a piece that was already stored.", _HIGH, 10),
    (10028, "Live View Opened", "A proctor opened the live view.", _INFO, 0),
    (10029, "Live View Closed", "The last proctor left the live view.", _INFO, 0),
    (10035, "Session Rated", "A reviewer judged the session.", _INFO, 0),
    (
        10045,
        "Page Opened Outside The Frame",
        "A page could not be shown in the frame and recorded itself.",
        _TECHNICAL,
        0,
    ),
    (10036, "Forged Event", "The browser sent an event that only the server makes.", _HIGH, 10),
)

EVENTS: dict[int, EventType] = {
    number: EventType(number, name, meaning, severity, weight) for number, name, meaning, severity, weight in _TABLE
}
COMPLETED = 113
EXPIRED, TERMINATED, CONFLICT, LIVE_OPENED, LIVE_CLOSED, RATED, FORGED = 10025, 10026, 10027, 10028, 10029, 10035, 10036
# A browser that sends one of these is not ours, or not itself.
SERVER_ONLY = frozenset((EXPIRED, TERMINATED, CONFLICT, LIVE_OPENED, LIVE_CLOSED, RATED, FORGED))


def name_of(event_type_id: int) -> str:
    """The catalogue's name; ids we do not know keep their number."""
    known = EVENTS.get(event_type_id)
    return known.name if known is not None else f"Event {event_type_id}"
