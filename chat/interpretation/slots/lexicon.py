"""Words around a name that tell what it names."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PLACES = _set(
    "pole korea america africa carolina dakota virginia sea coast wing side star "
)
UNIT_NOUNS = _set(
    "department departments dept depts division divisions org organisation "
    "organization department's "
)
PEOPLE_NOUNS = _set(
    "team teams staff people employees employee colleagues folks members member "
    "headcount salaries salary pay wages payroll budget budgets expenses costs cost "
    "spend spending expenditure hires hiring joiners recruits newcomers reviews "
    "ratings managers manager head lead boss workers workforce size joiner starters "
)
NOT_A_DEPARTMENT_BEFORE = _set(
    "report reports data record records statement statements results numbers "
    "figures policy policies file files specialist ticket tickets system hotline "
    "question questions issue issues figure overview info information database docs "
    "form forms advice plan growth trend "
)
PLACED = _set("in within from of for by at inside across into ")
ASKED = _set("does did do is has was have can ")
DETERMINERS = _set("the our your their whole entire ")
NEVER_AFTER = _set(
    "customer contact technical tech call reach you to we i please not and it "
)
ALWAYS_MEANT = frozenset({"engineering", "marketing", "human resources"})
ONLY_WITH_UNIT = frozenset({"development"})
WORKING = _set(
    "work works working worked people staff employees colleagues who someone "
    "headcount hires hired salaries salary folks persons everyone everybody earn "
    "joined started start pay ratings reviews records budget expenses costs "
    "spending managers "
)

PARTICLES = _set("van von de der den da di la le del bin al el ter dos ")
FIRMS = _set(
    "corp corporation inc ltd limited gmbh llc plc ag co company group holding "
    "holdings bank partners industries systems solutions international "
)
TITLES = _set("mr mrs ms dr miss mister prof ")
