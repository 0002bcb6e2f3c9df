"""Texts that are likely to hold, split or hide something personal."""

from hypothesis import strategies as st

VALUES = (
    "jane.smith@example.com",
    "jane [at] example dot com",
    "(212) 555-1234",
    "+44 20 7946 0958",
    "555-1234",
    "123-45-6789",
    "4111 1111 1111 1111",
    "378282246310005",
    "DE89 3704 0044 0532 0130 00",
    "192.168.10.4",
    "2001:db8::ff00:42:8329",
    "EMP-45678",
    "my sister Jane Smith",
    "Dr. Müller",
    "123 Main Street, Apartment 4B, Seattle WA 98101",
    "Hauptstraße 12, 10115 Berlin",
    "passport X1234567",
    "born on 12 March 1985",
    "password=hunter2!",
    "https://example.com/a?b=c",
    "@night_owl",
    "40.7488, -73.9854",
    "[EMAIL_REDACTED]",
    "<PERSON_1>",
    "order 5551234567",
    "Q4 sales",
    "11:34:35",
    "\u200b",
    "\N{FULLWIDTH DIGIT FOUR}\N{FULLWIDTH DIGIT ONE}",
    "e\u0301",
    "\n",
    "\0",
    "\ud800",
    "{",
    '"',
    ", ",
    ". ",
    " and ",
    " call ",
)

noise = st.text(max_size=20)
pieces = st.one_of(st.sampled_from(VALUES), noise, st.just(" "))
texts = st.lists(pieces, max_size=12).map(" ".join) | st.lists(pieces, max_size=12).map(
    "".join
)
long_texts = st.lists(pieces, min_size=30, max_size=90).map(" ".join)
any_text = st.text(
    st.characters(codec=None) | st.sampled_from("\0\ud800\udfff@+-.()0123456789 \n"),
    max_size=200,
)
