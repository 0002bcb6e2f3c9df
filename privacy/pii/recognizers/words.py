"""Context words, whole and lower-case, that several recognizers share."""

from privacy.pii.gazetteer import word_set

PHONE = word_set(
    "phone telephone tel cell cellphone mobile handy call calls calling called "
    "dial ring text sms whatsapp fax reach contact reached phoned hotline "
    "landline telefon telefono teléfono téléphone telefone móvil movil "
    "cellulare celular portable rufen anrufen appelez llamar chiama telefoon "
    "mobiel gsm ph mob callback extension voicemail signal telegram"
)
# What makes a number something else: orders, software, measures, money.
OTHER_NUMBER = word_set(
    "order orders build version ticket tickets invoice invoices ref reference "
    "case sku isbn issn ean upc serial model release revision commit port pid "
    "error code tracking item product part batch lot job task issue bug pr "
    "transaction txn timestamp epoch uuid guid hash checksum bytes byte size "
    "count total revenue amount price qty quantity sales rows row records page "
    "pages offset duration ms seconds minutes hours units usd eur gbp dollars "
    "euros doi arxiv sha shipment parcel change po rfc cve patent index score "
    "position figures sum subtotal balance confirmation booking reservation "
    "coupon voucher barcode quote contract population budget profit cost "
    "costs"
)
SOFTWARE = word_set(
    "version versions ver v build release releases firmware kernel driver "
    "upgrade upgraded update updated patch package chapter section sec clause "
    "oid rev revision sdk api library runtime chrome"
)
BIRTH = word_set(
    "born birth birthday birthdate dob bday geboren geb geburtsdatum geburtstag "
    "né née naissance anniversaire nacido nacida nacimiento cumpleaños nato "
    "nata nascita nascido nascida nascimento geboortedatum born-on birthdays"
)
NATIONAL_ID = word_set(
    "ssn social security itin taxpayer tin nin nino insurance bsn "
    "burgerservicenummer sofinummer dni nie nif cpf cnpj curp rfc pesel "
    "personnummer cpr henkilötunnus fiscal fiscale codice steuer "
    "steueridentifikationsnummer steuernummer idnr sin aadhaar aadhar pan insee "
    "sécurité sociale nir national citizen identity identification identité "
    "identidad rut cuit rrn nric tckn kimlik tax tfn ahv avs hetu fodselsnummer "
    "fødselsnummer cnp rodne pps ppsn afm emso oib egn jmbg kennitala sofi"
)
CARD = word_set(
    "card cards credit debit visa mastercard amex pan cc discover maestro jcb "
    "diners kreditkarte karte carte tarjeta carta cartão creditcard"
)
GEO = word_set(
    "gps coordinates coordinate coords lat latitude lng lon long longitude geo "
    "location located position koordinaten coordonnées coordenadas coordinate "
    "whereabouts"
)
