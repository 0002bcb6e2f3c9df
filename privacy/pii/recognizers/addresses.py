"""Street addresses and PO boxes.

Forms of English, German, French, Spanish, Italian, Portuguese and Dutch, with unit,
city, state and code over new lines.
"""

import re

from privacy.pii.gazetteer import word_set
from privacy.pii.labels import Label
from privacy.pii.rules import Candidate, Rule, rule

_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|"
    "NE|NV"
    "|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|PR|NSW|VIC|QLD|"
    "TAS|"
    "ON|QC|BC|AB|MB|SK|NS|NB|NL|PE|YT|NT|NU|SA|ACT|AA|AE|AP|FM|GU|MH|MP|PW|VI|AS"
)
_STATE_NAMES = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|"
    "Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|"
    "Maryland|"
    "Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|"
    "New[ ]Hampshire|New[ ]Jersey|New[ ]Mexico|New[ ]York|North[ ]Carolina|"
    "North[ ]Dakota|"
    "Ohio|Oklahoma|Oregon|Pennsylvania|Rhode[ ]Island|South[ ]Carolina|South[ ]Dakota|"
    "Tennessee|Texas|Utah|Vermont|Virginia|Washington|West[ ]Virginia|Wisconsin|Wyoming"
)
_CAP = r"[A-ZÀ-ÖØ-Þ][\w'’.-]{0,30}"  # noqa: RUF001
_GAP = r"(?:[ ]?,?[ ]?\n[ \t]*|[ ]?,[ ]*|[ ]+)"
_POSTCODE_UK = r"[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}"
_POSTCODE_CA = r"[A-Z]\d[A-Z][ -]?\d[A-Z]\d"
_EIRCODE = r"[A-Z]\d[\dW][ ]?[A-Z\d]{4}(?![A-Z\d])"
_ZIP = r"\d{5}(?:-\d{4})?"
_UNIT = (
    rf"(?:{_GAP}(?i:apt|apartment|unit|suite|ste|flat|floor|fl|room|rm|bldg|building|"
    rf"lot|"
    r"no|wohnung|appt|piso|piano|appartamento|puerta|porta|studio|int|interno|"
    r"app)(?![a-zA-Z])\.?[ ]?\#?[ ]?\w{1,6}"
    r"|[ ]?,?[ ]?\#[ ]?\w{1,6}|[ ]?,?[ ]?\d{1,2}(?:st|nd|rd|th)[ ][Ff]loor)"
)
_CITY = (
    rf"{_CAP}(?:[ ](?:de[ ]|del[ ]|la[ ]|am[ ]|an[ ]der[ ]|upon[ ]|"
    rf"sur[ ])?{_CAP}){{0,3}}"
)
_REGION = rf"(?:(?:{_STATES})(?![A-Za-z])|(?i:{_STATE_NAMES}))"
_US_TAIL = (
    rf"(?:{_GAP}(?i:[a-zà-ÿ][\w'.-]{{1,30}}(?:[ ][a-zà-ÿ][\w'.-]{{1,30}}){{0,2}}),?"
    rf"[ ](?i:{_REGION})\.?(?:,?[ ]+{_ZIP})(?!\d))"
)
_TAIL = (
    rf"(?:{_US_TAIL}"
    rf"|{_GAP}{_CITY}[ ]?,[ ]*{_REGION}(?:[ ]+(?:{_ZIP}|{_POSTCODE_CA}))?"
    rf"|{_GAP}(?:{_CITY},?[ ]+)?{_REGION}[ ]+(?:{_ZIP}|{_POSTCODE_CA}|\d{{4}}(?!\d))"
    rf"|{_GAP}(?:{_CITY}{_GAP}){{0,2}}(?:{_POSTCODE_UK}|{_POSTCODE_CA})(?![A-Za-z0-9])"
    rf"|{_GAP}(?:[A-Z]{{1,2}}-)?\d{{4}}[ ]?[A-Z]{{2}}(?![a-zA-Z])(?:(?:[ ]{{1,2}}|"
    rf"[ ]?\n)(?:'s-)?{_CITY})?"
    rf"|{_GAP}(?:[A-Z]{{1,2}}-)?\d{{4,5}}(?:-\d{{3}})?[ ]+{_CITY}(?:[ ]\([A-Z]{{2}}\)|"
    rf"[ ]?,[ ]"
    r"[A-Z]{2}(?![A-Za-z]))?"
    rf"|[ ]?,[ ]*{_CITY}(?:[ ]?,[ ]*{_CITY})?(?=[ ]*(?:[.,;:!?\n)\"]|$))"
    rf"|{_GAP}{_CITY},?[ ]{_REGION},?[ ]+(?:{_ZIP}|{_POSTCODE_CA}|\d{{4}}(?!\d))"
    rf"|{_GAP}{_CITY}[ ]?,[ ]\d{{5}}(?!\d)"
    rf"|{_GAP}\d{{5}}[ ]?,[ ]{_CITY}(?:[ ]\([A-Z]{{2}}\))?"
    rf"|{_GAP}{_EIRCODE}(?:{_GAP}{_CITY})?"
    rf"|{_GAP}{_CITY}[ -]\d{{6}}(?!\d)"
    rf"|(?:{_GAP}{_CITY})?{_GAP}\d{{5}}-?\d{{3}}[ ]{_CITY}[ ]/[ ][A-Z]{{2}}(?![A-Za-z])"
    rf"|{_GAP}{_ZIP}(?!\d)"
    r")"
)
_END = (
    rf"(?:{_UNIT}){{0,2}}(?:{_TAIL})?(?:{_GAP}(?:USA|UK|U\.S\.A\.|United[ ](?:States|"
    rf"Kingdom)|"
)
_END += (
    r"Germany|Deutschland|France|Italia|Italy|España|Spain|Canada|Australia|Ireland))?"
)
_FULL_SUFFIX = (
    "Street|Avenue|Road|Boulevard|Lane|Drive|Court|Terrace|Circle|Highway|Parkway|"
    "Place|"
    "Square|Trail|Crescent|Close|Way|Alley|Plaza|Grove|Gardens|Hill|Row|Mews|Walk|"
    "Turnpike|"
    "Loop|Expressway|Quay|Park|Green|View|Broadway|Bypass|Ridge|Crossing|Pike|Run|"
    "Heights"
)
_SHORT_SUFFIX = "St|Ave|Av|Rd|Blvd|Ln|Dr|Ct|Ter|Cir|Hwy|Pkwy|Pl|Sq|Trl|Cres|Cl|Aly"
_PLAIN_SUFFIX = "street|avenue|ave|road|rd|boulevard|blvd|lane|st|drive|court|highway"
_DIRECTION = r"(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.?[ ])?"
_NUMBER = r"\d{1,6}[A-Za-z]?(?:[-/]\d{1,5}[A-Za-z]?)?(?:[ ]1/2)?"
_NOT_STREET = word_set(
    "the a an of in on per for to and or by from with at is are was minute "
    "minutes min mins hour hours mile miles km day days week weeks month months "
    "year years people items sales percent orders users point points top step "
    "steps more other new calls times story our your my their this that "
    "customers reps stores deals accounts units most quarter quarters million "
    "billion thousand k"
)
_WORDS = re.compile(r"[^\W\d_]+")


def _score_number_first(found: Candidate) -> float:
    line = re.split(r"[\n,]", found.value, maxsplit=1)[0]
    words = [word.lower() for word in _WORDS.findall(line)]
    if any(word in _NOT_STREET for word in words[:3][: max(1, len(words) - 1)]):
        return 0.0
    return 0.9 if found.char_before not in {"$", "€", "£", "#"} else 0.0


def _score_plain(found: Candidate) -> float:
    return 0.75 if _score_number_first(found) else 0.0


_PARTICLE = (
    r"(?:de[ ]la[ ]|de[ ]las[ ]|de[ ]los[ ]|de[ ]l'|del[ ]|della[ ]|dei[ ]|delle[ ]|"
)
_PARTICLE += (
    r"dell'|des[ ]|du[ ]|de[ ]|da[ ]|do[ ]|dos[ ]|das[ ]|d'|l'|la[ ]|le[ ]|les[ ]|"
    r"el[ ])?"
)
_ROMANCE_NAME = rf"{_PARTICLE}{_CAP}(?:[ ](?:(?:y|e|et)[ ])?{_PARTICLE}{_CAP}){{0,4}}"
_LOW_NAME = r"(?:[\w'’.-]+[ ]){0,4}[\w'’.-]+"  # noqa: RUF001
_GERMAN_END = (
    "straße|strasse|str\\.|gasse|weg|platz|allee|ring|ufer|damm|chaussee|steig|stieg|"
    "markt"
)
_GERMAN_WORD = "Straße|Strasse|Str\\.|Weg|Platz|Allee|Ring|Ufer|Damm|Gasse|Markt"
_DUTCH_END = (
    "straat|baan|boulevard|laan|weg|plein|gracht|kade|dijk|steeg|singel|hof|pad|dreef|"
    "markt"
)
_FRENCH = (
    "rue|avenue|av\\.|boulevard|bd|bld|place|impasse|chemin|allée|quai|cours|route|"
    "square"
)
_FRENCH += "|passage|sentier|faubourg|résidence"
_SPANISH = (
    "calle|c/|avenida|avda\\.?|av\\.?|plaza|paseo|camino|carrer|ronda|travesía|"
    "carretera|"
)
_SPANISH += "glorieta|acceso|cuesta|pasadizo|cañada|pasaje|callejón|rambla"
_ITALIAN = (
    "via|viale|v\\.le|piazza|piazzale|corso|c\\.so|largo|vicolo|strada|lungomare|"
    "contrada|"
    "stretto|incrocio|canale|borgo|rotonda|salita|traversa"
)
_PORTUGUESE = "rua|r\\.|avenida|av\\.?|travessa|praça|largo|estrada|alameda|rodovia"
_ITEM = r"(?:,?[ ]?(?:n[º°o]?\.?|num\.?|número|nr\.?)?[ ]?)"
_HOUSE = r"\d{1,5}(?:[ ]?[a-zA-Z](?![a-zA-Z]))?(?:[-/]\d{1,4})?(?!\d)"

_NORDIC_END = (
    "vägen|gatan|gränd|stigen|torget|backen|vej|gade|allé|stræde|vegen|veien|gaten|"
    "gata|katu|tie|kuja"
)
_LINE = rf"(?:{_CAP}[ ]){{1,4}}"
_POSTAL_LINE = (
    rf"(?:[A-Z]{{1,2}}-)?(?:\d{{5}}|\d{{3}}[ ]\d{{2}}|\d{{2}}-\d{{3}})[ ]{_CITY}"
)

RULES: tuple[Rule, ...] = (
    rule(
        Label.ADDRESS,
        rf"(?<![\w.,$€£-])(?:(?:Flat|Level|Unit|Suite|Apt\.?)[ ]\w{{1,5}},?[ ])?"
        rf"{_NUMBER},?[ ]{_DIRECTION}(?:(?:{_CAP}|\d{{1,3}}(?:st|nd|rd|"
        rf"th))[ ])"
        rf"{{1,4}}?(?:{_FULL_SUFFIX}|{_SHORT_SUFFIX}|{_FULL_SUFFIX.upper()}|"
        rf"{_SHORT_SUFFIX.upper()})(?![\w-])(?![ ](?:{_FULL_SUFFIX})(?!\w))\.?(?:[ ]"
        rf"(?:N|S|E|W|NE|NW|SE|SW|North|South|East|"
        rf"West)(?![\w]))?{_END}",
        _score_number_first,
        probe=rf"(?:{_FULL_SUFFIX}|{_SHORT_SUFFIX}|{_FULL_SUFFIX.upper()}|"
        rf"{_SHORT_SUFFIX.upper()})\b",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w.,$€£-]){_NUMBER},?[ ](?:(?:north|south|east|west|n|s|e|w)\.?[ ])?"
        rf"(?:[a-z][a-z'.-]{{1,20}}|\d{{1,3}}(?:st|nd|rd|"
        rf"th))(?:[ ][a-z][a-z'.-]{{1,20}})?[ ]"
        rf"(?:{_PLAIN_SUFFIX})(?![\w-])\.?{_END}",
        _score_plain,
        probe=rf"\d[A-Za-z]?,? .*\b(?:{_PLAIN_SUFFIX})\b",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w.]){_NUMBER},?[ ](?:Broadway|Piccadilly|Avenue[ ](?:of[ ]the[ ]\w+|"
        rf"[A-Z]))"
        rf"(?![\w-]){_END}",
        0.85,
        probe=r"Broadway|Piccadilly|Avenue",
    ),
    rule(
        Label.ADDRESS,
        rf"(?i)(?<![\w])(?:p\.?[ ]?o\.?[ ]?box|post[ ]office[ ]box|postfach|postbus|"
        rf"casella[ ]"
        rf"postale|apartado(?:[ ]de[ ]correos)?|boîte[ ]postale|caixa[ ]postal)[ ]?\#?"
        rf"[ ]?\d{{1,6}}(?:[ ]\d{{2,3}}){{0,2}}(?![\w])(?-i:{_TAIL})?",
        0.9,
        probe=r"(?i)box|post|casella|apartado|bo.te",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?:[A-ZÄÖÜ][\wäöüß]*(?:[- ][A-ZÄÖÜ][\wäöüß.]*){{0,3}}"
        rf"[- ]?(?:{_GERMAN_END}|"
        rf"[- ](?:{_GERMAN_WORD}))|"
        rf"(?:[A-ZÄÖÜ][\wäöüß-]*[ ]){{0,2}}(?i:\w{{2,25}}(?:straße|strasse|"
        rf"str\.)|\w{{3,25}}(?:gasse|allee)))[ ]?{_HOUSE}{_END}",
        0.88,
        probe=r"(?i)(?:stra|str\.|gasse|weg|platz|allee|ring|ufer|damm|chaussee|steig|stieg|"
        r"markt)",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?:(?:Am|An[ ]der|Im|Zum|Zur|Auf[ ]dem|"
        rf"Unter[ ]den)[ ]{_CAP}(?:[ ]{_CAP})?)[ ]"
        rf"{_HOUSE}{_GAP}\d{{5}}[ ]{_CITY}",
        0.88,
        probe=r"\d\D{1,4}\d{5}",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?:{_CAP}[ ]){{0,2}}(?i:\w{{2,30}}(?:{_DUTCH_END}))[ ]{_HOUSE}"
        rf"(?:[ ]?(?:hs|bis|[IV]{{1,3}}))?{_END}",
        0.85,
        probe=rf"(?i)(?:{_DUTCH_END})",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w.,$€£-])\d{{1,4}}(?:[ ]?(?:bis|ter|quater|[A-D](?![a-z])))?,?[ ]"
        rf"(?i:{_FRENCH})[ ](?:{_ROMANCE_NAME}|\d{{1,2}}[ ]{_CAP}[ ]\d{{4}}){_END}",
        0.9,
        probe=rf"(?i)(?:{_FRENCH.replace('é', '.')})",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?i:{_SPANISH})[ ]?{_ROMANCE_NAME}{_ITEM}{_HOUSE}"
        rf"(?:,?[ ]?\d{{1,2}}(?:[ºª°]|"
        rf"[oa][A-Z]?(?!\w))(?:[ ]?\w{{1,4}}(?![\w]))?)?{_END}",
        0.88,
        probe=r"(?i)(?:calle|c/|avenida|avda|av|plaza|paseo|camino|carrer|ronda|traves|glorieta|"
        r"rambla|acceso|cuesta|pasadizo|ca.ada|pasaje|callej)",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?i:{_ITALIAN})[ ]"
        rf"(?:[IVX]+[ ])?{_ROMANCE_NAME}{_ITEM}{_HOUSE}{_END}",
        0.88,
        probe=rf"(?i)(?:{_ITALIAN})",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?i:{_PORTUGUESE})[ ]{_ROMANCE_NAME}{_ITEM}{_HOUSE}{_END}",
        0.88,
        probe=r"(?i)(?:rua|r\.|av|travessa|pra.a|largo|estrada|alameda|rodovia)",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w.,$€£-])(?:(?:Flat|Level|Unit|Suite|Apt\.?)[ ]\w{{1,5}},?[ ])?"
        rf"{_NUMBER},?[ ]{_CAP}(?:[ ]{_CAP}){{0,3}}(?:{_UNIT}){{0,2}}"
        rf"{_GAP}{_CITY},?[ ]{_REGION},?[ ]+(?:{_ZIP}|{_POSTCODE_CA}|\d{{4}})(?!\d)",
        _score_number_first,
        probe=r"[A-Z][A-Za-z]+,? +(?:\d{4}|[A-Z]\d[A-Z])",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w.,$€£-])(?:(?:Flat|Studio|Unit|Apartment)[ ]\w{{1,5}}{_GAP})?"
        rf"(?:{_NUMBER}[ ])?{_CAP}(?:[ ]{_CAP}){{0,3}}{_GAP}(?:{_CITY}{_GAP}){{1,2}}"
        rf"{_POSTCODE_UK}(?![A-Za-z0-9])",
        0.85,
        probe=r"\d[A-Z]{2}\b",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?:{_CAP}[ ]){{0,2}}(?:{_CAP}|(?i:\w{{1,25}}(?:{_NORDIC_END})))[ ]"
        rf"{_HOUSE}(?:{_UNIT})?(?:[ ]?,[ ]?|[ ]?\n)(?:{_POSTAL_LINE})",
        0.85,
        probe=r"\d[A-Za-z]?\s*[,\n]\s*(?:[A-Z]{1,2}-)?\d\d",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?:{_CAP}[ ]){{0,2}}(?i:\w{{2,25}}(?:{_NORDIC_END})|"
        rf"Allé)[ ]{_HOUSE}{_END}",
        0.85,
        probe=rf"(?:{_NORDIC_END}|Allé)\b",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?:ul\.|al\.|aleja|pl\.|os\.|ulica|plac)[ ]{_LINE}{_HOUSE}"
        rf"(?:/\d{{1,4}})?(?:{_GAP}\d{{2}}-\d{{3}}[ ]{_CITY})?",
        0.88,
        probe=r"(?:ul\.|al\.|aleja|pl\.|os\.|ulica|plac) ",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-]){_CITY},?[ ](?:{_STATES}|{_STATE_NAMES})[ ]+{_ZIP}(?![\w-])",
        0.8,
        probe=r"[A-Za-z] +\d{5}",
    ),
    rule(
        Label.ADDRESS,
        rf"(?<![\w-])(?:{_CITY},?[ ])?{_POSTCODE_UK}(?![\w-])",
        lambda found: (
            0.75
            if found.is_near(word_set("postcode address live lives postal"))
            else 0.0
        ),
        probe=r"\d[A-Z]{2}\b",
    ),
    rule(
        Label.ADDRESS,
        r"(?i)(?<![\w])(?:zip(?:[ -]?code)?|postal[ ]code|plz|"
        r"code[ ]postal)[ ]?(?:is[ ]|:[ ]?)?"
        r"(?P<value>\d{5}(?:-\d{4})?)(?![\w])",
        0.7,
        probe=r"(?i)zip|postal|plz",
        group=1,
    ),
)
