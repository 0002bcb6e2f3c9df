"""Sentences of a business chat, with and without names, for the tagger's training.

``{N}`` is a full name, ``{F}`` a first name, ``{L}`` a last name, ``{P}`` a place.
"""

WITH_NAMES = """
show me the salary of {N}
What is {N}'s salary?
show sales for {F} in Q3
How did {F} perform last quarter?
compare {F} and {F} on closed deals
give me {N}'s performance review
Is {F} on vacation this week?
who reports to {N}?
list all deals owned by {N}
My name is {N} and I need a new badge.
I'm {N}, I work in {P}.
this is {F} from accounting
Please update the phone number of {N}
please send the report to {F} {L} by Friday
Can you add {N} to the sales team?
{N} left the company in March.
{F} asked me for the figures of the north region
Hi {F}, thanks for your help!
Dear Mr. {L}, your request was approved.
Dear {F},
Thanks, {F}
Best regards, {N}
Dr. {L} signed the certificate.
my manager {F} approved it
my sister {N} is my emergency contact
I spoke with {F} {L} yesterday about the {P} office
{N} <{F}@example.com> wrote:
user {N} logged in
Customer {N} called about an invoice
assigned to {N}
created by {N} on 2024-03-01
approved_by: {N}
Employee: {N}, Department: Finance
name: {N}
"name": "{N}"
{"customer": "{N}", "city": "{P}"}
{L}, {F}
What did {F} sell in {P}?
Has {L} signed the contract?
is {F} {L} allowed to see payroll?
meeting with {F}, {F} and {N} at 3 pm
{F} is my husband and {F} our son
email {F} about the budget
why can't {F} see sales detail
revenue by rep: {N} 120, {N} 98
INFO request by {N} finished in 20 ms
ERROR could not load profile for {N}
tell {N} that the {P} order is late
Ask {F} in HR.
the patient {N} was admitted on Monday
{F} {L} lives in {P}
the director, {N}, resigned
{F}'s bonus
{N} has requested access
Who is {N}?
""".strip().splitlines()

WITHOUT_NAMES = """
Show me team sales for Q4
What were total sales in the North region in Q3 2024?
compare East and West by quarter
Top 10 products by revenue
how many employees work in Engineering
list open tickets for March
What's on in {P}
Sales in {P} last month
We have offices in {P}, {P} and {P}.
Sales Summary Report for Monday
show the financial report of 2023
Who can see employee records?
I forgot my password
Is the Privacy Policy available in German?
Quarterly Business Review is on Tuesday
The Marketing Department needs access to Sales Detail
Can I get a refund?
What is the weather in {P} today?
Order 4411 from {P} is late
Our Windows servers in {P} are down
Employee Records and Company Directory
Approve a discount of 15 percent
Show Average Salary by Department
Add a note to the sale
the new release of Django
Error Connection Timeout to sales database
INFO Starting Worker Process
WARNING Retrying Request to {P} Cluster
GET /api/v1/conversations HTTP/1.1
Happy New Year
Customer Success team in {P}
Give me Revenue, Cost and Margin per Region
"region": "{P}", "status": "Active"
{"city": "{P}", "product": "Blue Widget"}
Product: Wireless Mouse, Color: Black
Black Friday Sale in {P}
South Region Sales Manager
Does the Human Resources team work on Saturday?
Where is the {P} office?
flight from {P} to {P}
What Are The Rules?
please help me
which rep sold most
what can you do
why was I refused
show my sessions
delete my data
download my data please
Terms of Service
Step One: Open The Settings Page
Microsoft Teams and Slack are supported.
Visa and Mastercard are accepted
""".strip().splitlines()
