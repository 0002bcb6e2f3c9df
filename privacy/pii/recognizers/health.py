"""Health and biometric mentions (GDPR Art. 9), about a person and not a topic."""

from privacy.pii.gazetteer import word_set
from privacy.pii.labels import Label
from privacy.pii.rules import Candidate, Rule, cued, rule, with_digit

_CONDITIONS = (
    r"(?:type[ -](?:1|2|i|ii|one|two)[ ])?diabetes|hiv(?:[- ]positive)?|aids|"
    r"(?:(?:breast|lung|prostate|colon|skin|ovarian|cervical|stage[ ]\w{1,3}|"
    r"terminal)[ ])*"
    r"(?:cancer|carcinoma)|"
    r"leuk[a]?emia|lymphoma|melanoma|asthma|copd|epilepsy|multiple[ ]sclerosis|"
    r"parkinson'?s|"
    r"alzheimer'?s|dementia|(?:clinical[ ]|severe[ ]|postnatal[ ]|"
    r"postpartum[ ])?depression|"
    r"bipolar(?:[ ]disorder)?|schizophrenia|"
    r"(?:generali[sz]ed[ ])?anxiety(?:[ ]disorder)?|"
    r"ptsd|adhd|autism|ocd|anorexia|bulimia|hypertension|high[ ]blood[ ]pressure|"
    r"heart[ ](?:attack|disease|failure|condition)|stroke|arrhythmia|angina|hepatitis"
    r"(?:[ ][abc])?|cirrhosis|tuberculosis|pneumonia|covid(?:-19)?|influenza|malaria|"
    r"chlamydia|syphilis|gonorrh(?:o)?ea|herpes|arthritis|lupus|fibromyalgia|"
    r"osteoporosis|"
    r"crohn'?s(?:[ ]disease)?|colitis|ibs|coeliac|celiac(?:[ ]disease)?|"
    r"kidney[ ](?:disease|"
    r"failure)|migraines?|burnout|insomnia|sleep[ ]ap[n]oea|endometriosis|miscarriage|"
    r"pregnan(?:t|cy)|abortion|infertility|(?:alcohol|drug)[ ](?:addiction|dependence)|"
    r"alcoholism|chemotherapy|dialysis|hysterectomy|vasectomy|ivf|transplant|"
    r"(?:penicillin|peanut|nut|latex|insulin)[ ]allergy|sepsis|thyroid[ ]disorder|"
    r"concussion|hernia|tumou?r|seizures?|panic[ ]attacks?|psoriasis|eczema|sciatica"
)
_MEDICINES = (
    r"metformin|penicillin|aspirin|insulin|lisinopril|atorvastatin|amlodipine|"
    r"omeprazole|losartan|"
    r"gabapentin|"
    r"sertraline|fluoxetine|prozac|zoloft|citalopram|escitalopram|lexapro|venlafaxine|"
    r"xanax|alprazolam|diazepam|valium|lorazepam|adderall|ritalin|methylphenidate|"
    r"lithium|"
    r"quetiapine|olanzapine|risperidone|warfarin|apixaban|levothyroxine|prednisone|"
    r"albuterol|salbutamol|amoxicillin|ibuprofen|oxycodone|tramadol|morphine|methadone|"
    r"truvada|biktarvy|tamoxifen|humira|adalimumab|ozempic|semaglutide|wegovy|viagra|"
    r"sildenafil|clozapine|lamotrigine|topiramate|hydroxychloroquine|paracetamol"
)
# Somebody has it: without one of these a condition is a topic ("cancer research fund").
_PERSONAL = word_set(
    "i i'm im my me he she his her him they their mother father mom mum dad "
    "wife husband son daughter sister brother child partner colleague patient "
    "diagnosed diagnosis suffer suffers suffering suffered prescribed "
    "prescription takes taking treated treatment tested symptoms medication "
    "allergic recovering hospitalized hospitalised undergoing underwent ich "
    "mein meine"
)
_TOPIC = word_set(
    "research charity fund campaign awareness awareness-day revenue sales "
    "market policy webinar trial study studies product industry foundation "
    "budget team course"
)


def _score_condition(found: Candidate) -> float:
    if not _TOPIC.isdisjoint(found.words_after[:2]):
        return 0.0
    return 0.8 if not _PERSONAL.isdisjoint(found.words_before[:9]) else 0.0


def _score_body(found: Candidate) -> float:
    own = frozenset({"my", "his", "her", "their", "your", "employee", "user"})
    return 0.8 if found.follows(own, within=3) else 0.0


RULES: tuple[Rule, ...] = (
    rule(
        Label.MEDICAL,
        rf"(?i)(?<![\w-])(?:{_CONDITIONS}|{_MEDICINES})(?:[ ]\d{{1,4}}[ ]?(?:mg|mcg|ml|"
        rf"iu|units))?"
        r"(?![\w])",
        _score_condition,
    ),
    cued(
        Label.MEDICAL,
        r"mrn|medical[ _-]?record|patient[ _-]?(?:id|number|no|record)|nhs|medicare|"
        r"medicaid|health[ _-]?(?:insurance|plan|card|id)|insurance[ _-]?(?:member|"
        r"policy|id)"
        r"|member[ _-]?id|policy[ _-]?(?:number|no)|krankenkasse|versichertennummer|"
        r"npi|"
        r"carte vitale|prescription|rx",
        r"(?:[A-Z]{1,4}-?)?\d[A-Z0-9]*(?:[ -]\d[A-Z0-9]*){0,4}",
        check=with_digit(0.85, least=4),
    ),
    cued(
        Label.MEDICAL,
        r"icd(?:-?10)?(?:-cm)?|diagnosis",
        r"[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?",
    ),
    rule(
        Label.MEDICAL,
        r"(?i)(?<![\w])blood[ ](?:type|group)[ ]?(?:is[ ]|:[ ]?)?(?:AB|A|B|"
        r"O)(?:[ ]?[+-]|"
        r"[ ](?:positive|negative))",
        0.8,
    ),
    rule(
        Label.BIOMETRIC,
        r"(?i)(?<![\w-])(?:finger[ ]?print|palm[ ]?print|thumb[ ]?print|face|facial|"
        r"iris|retina"
        r"(?:l)?|voice|vein|palm|hand)[ ](?:scans?|templates?|recognition(?:[ ](?:data|"
        r"scans?|"
        r"templates?|profile|images?))?|biometrics?|samples?|recordings?|geometry|data|"
        r"identification|patterns?|records?|id)(?![\w])",
        0.75,
    ),
    rule(
        Label.BIOMETRIC,
        r"(?i)(?<![\w-])(?:voice[ ]?prints?|face[ ]?prints?|biometric[ ](?:data|"
        r"template|"
        r"identifiers?|records?|scan|profile)|dna[ ](?:profile|sample|test|sequence)|"
        r"gait[ ]analysis|genetic[ ](?:data|profile|test))(?![\w])",
        0.8,
    ),
    rule(
        Label.BIOMETRIC,
        r"(?i)(?<![\w-])(?:finger|palm|thumb)[ ]?prints?(?![\w])",
        _score_body,
    ),
)
