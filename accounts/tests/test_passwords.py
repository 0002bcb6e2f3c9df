import secrets
import sys
from pathlib import Path
from threading import Thread

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.matching import RANKED_DICTIONARIES

from accounts import common_passwords, passwords
from accounts.common_passwords import fold_password, is_common
from accounts.models import User
from accounts.passwords import check_password_policy, random_password

ALICE = ("alice", "alice.morgan@example.org", "Alice Morgan")
WEAK = [
    "password1234",
    "Password1234!",
    "P@ssw0rd1234",
    "qwertyuiop123",
    "QWERTY123456",
    "1q2w3e4r5t6y",
    "123456789012",
    "111111111111",
    "aaaaaaaaaaaa",
    "abcabcabcabc",
    "iloveyou1234",
    "iloveyouforever",
    "letmeinletmein",
    "welcome12345",
    "Welcome2024!!",
    "Summer2024!!!",
    "Winter2025!!",
    "football1234",
    "baseball2023",
    "monkeymonkey",
    "dragondragon",
    "superman1234",
    "princess1234",
    "sunshine2020",
    "trustno1trustno1",
    "adminadmin12",
    "administrator",
    "Administrator1",
    "changeme1234",
    "changemenow!",
    "passwordpassword",
    "password password",
    "qazwsxedcrfv",
    "zaq12wsxcde3",
    "asdfghjkl123",
    "1qaz2wsx3edc",
    "q1w2e3r4t5y6",
    "19841984 1984",
    "michael123456",
    "jennifer1234",
    "liverpool1234",
    "manchester12",
    "".join(chr(ord(c) + 0xFEE0) for c in "password1234"),
    "PASSWORD1234",
    "p4ssw0rd p4ssw0rd",
    "chatsec2026admin",
    "chatbot-password",
    "Ch4tsec!2026",
    "ilovechatsec!!",
    "correct horse battery staple",
    "alicemorgan12",
    "Alice.Morgan.2024",
    "morgan-sunshine-2",
    "exampleexample",
    "!!!!!!!!!!!!",
    "zxcvbnm,./zxc",
    "0123456789ab",
    "abcdefghijkl",
    "jessicajessica",
    "demodemodemo1",
    "organisation1!",
    "organisation-secret-9",
]
STRONG = [
    "plum violin carries seven lanterns",
    "tidal-copper-mango-ridge",
    "vx9#Kq!2mTz$Lw",
    "wolkenkratzer seife trompete",
    "Der Igel trinkt um 5 Uhr Tee",
    "kaffee und drei blaue ziegel",
    "correct zebra lamp ocean",
    "7 turtles juggle quietly",
    "mJ4-pQ8-xR2-vB6",
    "ᚠᚢᚦ runen und regen im mai",
    "ключ дождь лампа семь сов",
    "猫がピアノの上で静かに寝ている",
    "🐙 seven teapots 🚲 whistle",
    "oxidize-granny-plywood-8",
    "unread.fjord.salsa.kettle",
    "thirty two purple envelopes",
    "xkcd strips but better ones",
    "no rain on wednesday, says gus",
    "Ruby lies beneath Aunt's couch",
    "m0ss-gr0ws-n0rth-0f-here",
    "zq7fhw2kd9xv",
    "Kp3vTz8wLq5n",
    "glacier umbrella tango fig",
    "seventeen owls hum baroque",
    "pickled comet stationery",
    "brave pixel under marble",
    "soup-lightning-vertex-olive",
    "lantern pony ceramic drift",
    "quiet harbor, loud pigeons",
    "eleven violet tractors nap",
    "honest radish inventory",
    "gecko waltz on saturn",
    "paper boats leave at dawn 6",
    "who hid the cinnamon ladder",
    "every third stair creaks",
    "violins melt in august heat",
    "hedge funds for hedgehogs",
    "my aunt's llama sells tires",
    "Tuesday smells like toner",
    "grumpy lighthouse keeper oats",
    "nine copper kettles argue",
    "d4ffod1l avalanche receipt",
    "sleepy otter files taxes",
    "bicycle soup rarely rusts",
    "aBz.91-Qr?x_2T",
    "w8Rk2!zPfQ5v",
    "magnet goose theory pancake",
    "outer hebrides by unicycle",
    "Fjordlandschaft ohne Brot 3",
    "coral anvil wisps tobacco",
]


def refusal(password, about=ALICE):
    try:
        check_password_policy(password, about=about)
    except ValidationError as error:
        return error.code
    return None


@pytest.mark.parametrize("password", WEAK)
def test_it_refuses_what_people_try_first(password):
    assert refusal(password) is not None


@pytest.mark.parametrize("password", STRONG)
def test_it_takes_what_nobody_guesses(password):
    assert refusal(password) is None


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("vx9#Kq!2mTz", "password_too_short"),
        ("vx9#Kq!2mTz$", None),
        ("", "password_too_short"),
        ("🐙🚲🎺" * 3, "password_too_short"),
        ("plum violin " * 85 + "abcd", None),
        ("plum violin " * 85 + "abcde", "password_too_long"),
        ("a" * 1024, "password_too_weak"),
        ("Password1234", "password_too_common"),
        ("PASSWORD1234", "password_too_common"),
        ("\uff30\uff21\uff33\uff33\uff37\uff2f\uff32\uff241234", "password_too_common"),
        ("plum violin ALICE lanterns", "password_has_context_word"),
        ("plum violin morgan lanterns", "password_has_context_word"),
        ("plum violin example lanterns", "password_has_context_word"),
        ("plum violin ChatSec lanterns", "password_has_context_word"),
        ("plum violin demo lanterns", "password_has_context_word"),
        ("plum violin acme lanterns", "password_has_context_word"),
        ("plum violin org lanterns", None),  # three letters are in too many words
        ("abcabcabcabcx", "password_too_weak"),
    ],
)
def test_it_says_which_rule_is_broken(password, code, settings):
    settings.CHATSEC_PASSWORD_WORDS = ["ACME"]

    assert refusal(password) == code


def test_somebody_elses_name_may_be_in_it():
    assert (
        refusal("plum violin alice lanterns", about=("bob", "bob@firm.net", "")) is None
    )


def test_django_asks_the_same_policy():
    with pytest.raises(ValidationError) as refused:
        validate_password("password1234")

    assert refused.value.error_list[0].code == "password_too_common"


@pytest.mark.django_db
def test_django_asks_about_the_person():
    user = User(username="alice")
    user.email, user.display_name = "am@firm.net", "Zebulon"

    with pytest.raises(ValidationError) as refused:
        validate_password("plum zebulon seven lanterns", user)

    assert refused.value.error_list[0].code == "password_has_context_word"


def test_the_list_is_long_and_of_legal_length():
    listed = common_passwords._listed().decode().split("\n")[1:-1]

    assert len(listed) >= 100_000
    assert len(set(listed)) == len(listed)
    assert min(map(len, listed)) >= 12
    assert all(fold_password(each) == each for each in listed)


def test_a_thousand_entries_of_the_list_are_refused():
    listed = common_passwords._listed().decode().split("\n")[1:-1]
    some = [secrets.choice(listed) for _ in range(1000)]

    assert [each for each in some if not is_common(each.upper())] == []
    assert [each for each in some[:50] if refusal(each) != "password_too_common"] == []


@pytest.mark.parametrize("pairs", [50, pytest.param(500, marks=pytest.mark.prove)])
def test_random_passwords_are_accepted(pairs):
    words = [word for each in STRONG for word in each.split() if word.isascii()]

    for _ in range(pairs):
        made = (random_password(), " ".join(secrets.choice(words) for _ in range(6)))
        assert [each for each in made if refusal(each, ("carol",))] == []


def test_an_installation_adds_its_own_list(settings, tmp_path: Path):
    mine = tmp_path / "leaked.txt"
    mine.write_text("Plum Violin Carries\nseven-lanterns\n", encoding="utf-8")
    settings.CHATSEC_COMMON_PASSWORDS = str(mine)
    common_passwords._listed.cache_clear()
    try:
        assert is_common("PLUM VIOLIN CARRIES")
        assert is_common("seven-lanterns")
        assert is_common("password1234")
        assert not is_common("seven-lantern")
    finally:
        common_passwords._listed.cache_clear()


def test_a_missing_list_stops_instead_of_letting_everything_through(settings):
    settings.CHATSEC_COMMON_PASSWORDS = "/nowhere/leaked.txt"
    common_passwords._listed.cache_clear()
    try:
        with pytest.raises(FileNotFoundError):
            is_common("plum violin carries seven lanterns")
    finally:
        settings.CHATSEC_COMMON_PASSWORDS = ""
        common_passwords._listed.cache_clear()


def test_threads_do_not_score_with_each_others_words():
    own = [f"kq{n}vw2xz" for n in range(8)]
    right = {word: passwords._score(word * 3, [word]) for word in own}
    assert max(right.values()) < 3 <= passwords._score(own[0] * 3, [])
    found = []

    def score(word):
        found.extend((word, passwords._score(word * 3, [word])) for _ in range(40))

    threads = [Thread(target=score, args=(word,)) for word in own]
    switches = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(switches)

    assert set(found) == set(right.items())
    assert "user_inputs" not in RANKED_DICTIONARIES


@given(st.text(max_size=80))
def test_no_text_breaks_the_policy(text):
    refusal(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_folding_twice_changes_nothing(text):
    assert fold_password(fold_password(text)) == fold_password(text)


def test_random_passwords_are_legal_and_different():
    made = {random_password() for _ in range(20)}

    assert len(made) == 20
    assert min(map(len, made)) >= 12
    assert passwords.MIN_PASSWORD_LENGTH == 12
