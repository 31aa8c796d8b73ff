"""List the constants of the rate limiter. Durations are seconds (docs/decisions/0008-slots-at-the-wire.md)."""

from __future__ import annotations

# Telegram allows 30 messages a second in all, 1 a second in a private chat, 20 a minute in a group.
COMMON_STEP = 1 / 28.7
"""Seconds between two messages of all processes: 31 messages span 45 ms more than a second."""
CHAT_STEP = 1.05
"""Seconds between two messages in a private chat."""
GROUP_STEP = 3.05
"""Seconds between two messages in a group."""
ANSWER_GAP = 1.02
"""Seconds from Telegram's answer to the next message of this process in the same chat."""

# A process, a database or a network may be late.
SLACK = 0.035
"""Seconds a message may go out after its slot at no cost; 10 ms of the 45 ms are left for the network."""
TOO_LATE = 0.35
"""Seconds after which a missed slot is given up for a new slot. A shorter delay postpones the slots after it."""
MAX_MISSED_SLOTS = 8
"""Slots a message may miss before it goes out late all the same."""
MAX_LEAD = 0.2
"""Seconds by which slots are reserved ahead of now at most, for a database that answers slowly."""
AHEAD = 3
"""Slots reserved in a stream of messages beyond those of waiting messages; at its end so many are lost."""
STREAM_PAUSE = 0.2
"""Seconds since the last slot within which messages are a stream."""

# The wire of one process.
AT_WIRE = 4
"""Messages of one process that have a connection, or make it, and wait for a common slot."""

# Telegram's retry_after.
PATIENCE = 5.0
"""Seconds a message waits at the wire. A common slot further away means that Telegram asked all chats to wait."""
GROUP_PAUSE = 5.0
"""Seconds all chats pause when a group is told to wait; the rest of a long wait concerns the group alone."""
MAX_ATTEMPTS = 3
"""Slots of a chat that a message waits for, each voided by a new retry_after."""

# Answers to people.
ANSWER_SECONDS = 60.0
"""Seconds for which an answer to a user is tried again after failures that kept the answer from Telegram."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds between two attempts; each pause is twice as long as the pause before."""
DATABASE_REST = 10.0
"""Seconds for which slots come from memory after the database gave none."""

# How much this process remembers.
REMEMBERED_CHATS = 10_000
CLOCK_SAMPLES, CLOCK_SAMPLE_AGE = 100, 10.0
"""Answers of the database that tell its time, and seconds until a sample is too old: clocks drift."""
TRAVEL_SAMPLES = 100
"""Requests whose quickest round trip is taken for granted."""
