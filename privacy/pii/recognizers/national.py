"""National identification and tax numbers, all reported as SSN."""

from dataclasses import dataclass
from functools import partial

from privacy.pii.labels import Label
from privacy.pii.recognizers import words
from privacy.pii.rules import Candidate, Check, Rule, cued, rule, with_digit
from privacy.pii.validators import is_national_id, is_us_ssn


@dataclass(frozen=True)
class Plan:
    """A country's number: its form, its check, and whether the form says enough."""

    module: str
    pattern: str
    distinct: bool = False


def _score_ssn(found: Candidate) -> float:
    near = found.is_near(words.NATIONAL_ID)
    other = found.nearest(words.NATIONAL_ID, words.OTHER_NUMBER) == 1
    if not is_us_ssn(found.digits):
        return 0.6 if near and not other and len(set(found.digits)) > 1 else 0.0
    if other and found.follows(words.OTHER_NUMBER):
        return 0.0
    if "-" in found.value:
        return 0.95
    return 0.9 if near else 0.0


def _score_plan(found: Candidate, *, plan: Plan) -> float:
    if not is_national_id(plan.module, found.value):
        return 0.0
    if found.is_near(words.NATIONAL_ID):
        return 0.95
    if found.follows(words.OTHER_NUMBER):
        return 0.0
    return 0.85 if plan.distinct else 0.0


def _check(plan: Plan) -> Check:
    return partial(_score_plan, plan=plan)


_PLANS = (
    Plan("es.dni", r"\d{8}[ -]?[A-Za-z]", distinct=True),
    Plan("es.nie", r"[XYZxyz][ -]?\d{7}[ -]?[A-Za-z]", distinct=True),
    Plan(
        "it.codicefiscale",
        r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]",
        distinct=True,
    ),
    Plan(
        "fr.nir",
        r"[12][ ]?\d{2}[ ]?\d{2}[ ]?\d[\dABab][ ]?\d{3}[ ]?\d{3}[ ]?\d{2}",
        distinct=True,
    ),
    Plan("de.idnr", r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}"),
    Plan("nl.bsn", r"\d{4}[. ]?\d{2}[. ]?\d{3}"),
    Plan("be.nn", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", distinct=True),
    Plan("pl.pesel", r"\d{11}"),
    Plan("se.personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}", distinct=True),
    Plan("fi.hetu", r"\d{6}[-+A]\d{3}[0-9A-Z]", distinct=True),
    Plan("dk.cpr", r"\d{6}-?\d{4}"),
    Plan("no.fodselsnummer", r"\d{6}[ ]?\d{5}"),
    Plan("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", distinct=True),
    Plan("br.cpf", r"\d{11}"),
    Plan("cl.rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dKk]", distinct=True),
    Plan("ar.cuit", r"\d{2}-\d{8}-\d", distinct=True),
    Plan("mx.curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d", distinct=True),
    Plan("in_.aadhaar", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}"),
    Plan("in_.pan", r"[A-Z]{5}\d{4}[A-Z]"),
    Plan("ca.sin", r"\d{3}[ -]\d{3}[ -]\d{3}"),
    Plan("ca.sin", r"\d{9}"),
    Plan("au.tfn", r"\d{3}[ ]?\d{3}[ ]?\d{3}"),
    Plan("kr.rrn", r"\d{6}-[1-8]\d{6}", distinct=True),
    Plan("cn.ric", r"\d{17}[\dXx]", distinct=True),
    Plan("tr.tckimlik", r"[1-9]\d{10}"),
    Plan("za.idnr", r"\d{13}"),
    Plan("pt.nif", r"\d{9}"),
    Plan("ch.ssn", r"756\.\d{4}\.\d{4}\.\d{2}", distinct=True),
    Plan("ie.pps", r"\d{7}[A-W][A-IW]?"),
    Plan("ro.cnp", r"[1-8]\d{12}"),
    Plan("cz.rc", r"\d{6}/\d{3,4}"),
)


def _score_nino(found: Candidate) -> float:
    return 0.9 if found.value[:2].upper() not in {"BG", "GB", "NK", "TN", "ZZ"} else 0.0


_CUES = (
    r"ssn|ss#|sin|social[ _-]?insurance|"
    r"social[ _-]?security|social|itin|tax(?:payer)?[ _-]?(?:id|"
    r"identification)|"
    r"national[ _-]?(?:id|insurance|identity|identification)(?:[ _-]card)?|nino|bsn|"
    r"dni|"
    r"nif|nie|cpf|pesel|curp|"
    r"personnummer|cpr|aadhaar|steuer-?id(?:nr)?|steuernummer|"
    r"sozialversicherungsnummer|"
    r"codice fiscale|num[ée]ro de s[ée]curit[ée] sociale|identity card|id card|"
    r"personalausweis(?:nummer)?|nric|rrn|citizen id|government id"
)

RULES: tuple[Rule, ...] = (
    rule(Label.SSN, r"(?<![A-Za-z0-9.-])\d{3}-\d{2}-\d{4}(?![\w-])", _score_ssn),
    rule(Label.SSN, r"(?<![A-Za-z0-9.-])\d{3}[ .]\d{2}[ .]\d{4}(?![\w-])", _score_ssn),
    rule(
        Label.SSN,
        r"(?i)(?<![\w-])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]?\d{2}[ ]?\d{2}[ ]?\d{2}"
        r"[ ]?[A-D](?![\w-])",
        _score_nino,
    ),
    *(
        rule(Label.SSN, rf"(?<![A-Za-z0-9./-]){plan.pattern}(?![\w/-])", _check(plan))
        for plan in _PLANS
    ),
    cued(
        Label.SSN,
        _CUES,
        r"(?:[A-Z]{1,6}[ -]?)?\d[\dA-Z]*(?:[ ./-]\d[\dA-Z]*){0,5}(?:[ -][A-Z]"
        r"(?![A-Za-z]))?",
        check=with_digit(0.8, least=6),
    ),
)
