"""Staff numbers, passports, driving licences and dates of birth."""

from privacy.pii.labels import Label
from privacy.pii.recognizers import words
from privacy.pii.rules import Candidate, Rule, cued, rule, with_digit

_MONTH = (
    r"(?:jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|f[ée]v(?:rier)?|mar(?:ch|s|zo)?|"
    r"m[äa]rz|"
    r"apr(?:il|ile)?|avril|abril|may|mai|mayo|maggio|june?|juni|juin|junio|giugno|"
    r"july?|"
    r"juli|juillet|julio|luglio|aug(?:ust)?|ao[ûu]t|agosto|sept?(?:ember|embre)?|"
    r"septiembre|settembre|o[ck]t(?:ober|obre)?|octubre|ottobre|nov(?:ember|embre)?|"
    r"noviembre|de[cz](?:ember)?|d[ée]cembre|diciembre|dicembre|enero|febrero|gennaio|"
    r"febbraio|aprile)\.?"
)
_DATE = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.][ ]?\d{1,2}[-/.][ ]?(?:\d{4}|\d{2})|"
    rf"\d{{1,2}}(?:st|nd|rd|th|\.|º)?[ ](?:of[ ]|de[ ])?{_MONTH},?[ ](?:de[ ]|"
    rf"of[ ])?\d{{4}}|"
    rf"{_MONTH}[ ]\d{{1,2}}(?:st|nd|rd|th)?,?[ ]\d{{4}}|"
    rf"\d{{1,2}}[- ]{_MONTH}[- ]\d{{2,4}})"
)


def _score_birth_date(found: Candidate) -> float:
    if found.is_near(words.BIRTH, before=6, after=0):
        return 0.9
    # "12/03/1985 is my birthday"
    return 0.8 if found.is_near(words.BIRTH, before=0, after=4) else 0.0


RULES: tuple[Rule, ...] = (
    rule(
        Label.EMPLOYEE_ID,
        r"(?i)(?<![\w-])(?:emp|empl|employee|"
        r"staff)[-_ \#]{0,2}(?:id[-_ ]?)?\d{3,10}(?![\w])",
        0.95,
    ),
    cued(
        Label.EMPLOYEE_ID,
        r"employee(?:[ _-]?(?:id|number|no|num|code))|emp[ _-]?(?:id|no)|"
        r"badge ?#|(?:staff|personnel|worker|badge|payroll|clock)[ _-]?(?:id|number|no|"
        r"num)|"
        r"personalnummer|mitarbeiternummer|matricule|n[uú]mero de empleado|matricola",
        r"(?:[A-Z]{1,5}[-_]?)?\d[\dA-Z-]{1,11}",
    ),
    cued(
        Label.PASSPORT,
        r"passports?|passport[ _-]?(?:number|no|num)|reisepass(?:nummer)?|passeport|"
        r"pasaporte|passaporto|paspoort(?:nummer)?|passaporte",
        r"[A-Z0-9]{1,3}[ -]?\d[A-Z0-9]{4,9}",
        check=with_digit(0.9, least=4),
    ),
    rule(
        Label.PASSPORT,
        r"(?i)(?<![\w])(?P<value>[A-Z]{1,2}\d{6,8})[ ](?:is|was)[ ](?:my|his|her|"
        r"the)[ ]"
        r"passport",
        0.85,
        group=1,
    ),
    rule(
        Label.PASSPORT,
        r"(?<![\w<])P[A-Z<][A-Z]{3}[A-Z<]{10,39}[\s]?[A-Z0-9<]{0,44}",
        0.9,
    ),
    cued(
        Label.DRIVER_LICENSE,
        r"driver'?s?[ _-]?licen[sc]es?|driving[ _-]?licen[sc]es?|dl[ ]?(?:number|no|"
        r"\#)|"
        r"drivers?[ _-]?lic|f[üu]hrerschein(?:nummer)?|permis de conduire|"
        r"patente(?: di guida)?|(?:carnet|licencia|permiso) de conducir|"
        r"rijbewijs(?:nummer)?",
        r"(?:[A-Z]{2} )?(?:[A-Z]{1,5}[- ]?)?\d[A-Z0-9]*(?:[ -]"
        r"[A-Z0-9]*\d[A-Z0-9]*){0,4}",
        check=with_digit(0.9, least=4),
    ),
    rule(
        Label.DRIVER_LICENSE,
        r"(?<![\w/+=.-])[A-Z]{2,5}9{0,3}\d[0156]\d[0-3]"
        r"\d{2}[A-Z9]{2}\d[A-Z]{2}(?![\w/+=.-])",
        lambda found: 0.8 if len(found.value) == 16 else 0.0,
    ),
    rule(
        Label.DATE_OF_BIRTH,
        rf"(?i)(?<![\w./-]){_DATE}(?![\w/-])",
        _score_birth_date,
        probe=r"(?i)(?:born|birth|dob|d\.o\.b|bday|geb|\bn[ée]e?\b|naci|nata|nato|nasc|"
        r"anniv|cumple)",
    ),
)
