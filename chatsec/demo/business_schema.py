"""Tables of the demo organisation's business database."""

from __future__ import annotations

PERIOD = """
    year integer GENERATED ALWAYS AS (EXTRACT(YEAR FROM {0})::integer) STORED,
    quarter integer GENERATED ALWAYS AS (EXTRACT(QUARTER FROM {0})::integer) STORED,
    month integer GENERATED ALWAYS AS (EXTRACT(MONTH FROM {0})::integer) STORED
"""

SCHEMA = f"""
DROP TABLE IF EXISTS sales, sales_notes, sales_targets, employees, salaries,
    performance_reviews, financial_reports, expenses CASCADE;
CREATE TABLE employees (
    employee_id integer PRIMARY KEY,
    username text NOT NULL UNIQUE,
    name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    department text NOT NULL,
    region text NOT NULL,
    team text NOT NULL,
    job_title text NOT NULL,
    manager text,
    hired_on date NOT NULL,
    birth_date date NOT NULL,
    national_id text NOT NULL,
    address text NOT NULL
);
CREATE TABLE salaries (
    employee_id integer NOT NULL REFERENCES employees,
    name text NOT NULL,
    username text NOT NULL,
    department text NOT NULL,
    region text NOT NULL,
    team text NOT NULL,
    year integer NOT NULL,
    amount integer NOT NULL,
    currency text NOT NULL,
    PRIMARY KEY (employee_id, year)
);
CREATE TABLE performance_reviews (
    review_id integer PRIMARY KEY,
    employee_id integer NOT NULL REFERENCES employees,
    name text NOT NULL,
    username text NOT NULL,
    department text NOT NULL,
    region text NOT NULL,
    team text NOT NULL,
    year integer NOT NULL,
    quarter integer NOT NULL,
    rating integer NOT NULL,
    goal_attainment integer NOT NULL,
    summary text NOT NULL
);
CREATE TABLE sales (
    sale_id integer PRIMARY KEY,
    sold_on date NOT NULL,
    {PERIOD.format("sold_on")},
    department text NOT NULL DEFAULT 'Sales',
    region text NOT NULL,
    team text NOT NULL,
    seller_id integer NOT NULL REFERENCES employees,
    seller text NOT NULL,
    seller_username text NOT NULL,
    product text NOT NULL,
    customer text NOT NULL,
    quantity integer NOT NULL,
    amount numeric(12, 2) NOT NULL,
    discount integer NOT NULL
);
CREATE INDEX ON sales (year, quarter, region);
CREATE INDEX ON sales (team, sold_on);
CREATE INDEX ON sales (seller_username, sold_on);
CREATE TABLE sales_notes (
    note_id integer PRIMARY KEY,
    sale_id integer NOT NULL REFERENCES sales,
    written_on date NOT NULL,
    {PERIOD.format("written_on")},
    department text NOT NULL DEFAULT 'Sales',
    region text NOT NULL,
    team text NOT NULL,
    seller text NOT NULL,
    seller_username text NOT NULL,
    product text NOT NULL,
    customer text NOT NULL,
    note text NOT NULL
);
CREATE TABLE sales_targets (
    year integer NOT NULL,
    quarter integer NOT NULL,
    department text NOT NULL DEFAULT 'Sales',
    region text NOT NULL,
    team text NOT NULL,
    seller_id integer NOT NULL REFERENCES employees,
    seller text NOT NULL,
    target numeric(12, 2) NOT NULL,
    reached numeric(12, 2) NOT NULL,
    PRIMARY KEY (seller_id, year, quarter)
);
CREATE TABLE financial_reports (
    year integer NOT NULL,
    quarter integer NOT NULL,
    revenue numeric(14, 2) NOT NULL,
    cost_of_sales numeric(14, 2) NOT NULL,
    operating_expenses numeric(14, 2) NOT NULL,
    profit numeric(14, 2) NOT NULL,
    PRIMARY KEY (year, quarter)
);
CREATE TABLE expenses (
    year integer NOT NULL,
    quarter integer NOT NULL,
    department text NOT NULL,
    category text NOT NULL,
    spent numeric(14, 2) NOT NULL,
    budget numeric(14, 2) NOT NULL,
    PRIMARY KEY (year, quarter, department, category)
);
"""

# What COPY fills: the columns in the order in which rows are made.
TABLES = {
    "employees": [
        "employee_id",
        "username",
        "name",
        "email",
        "phone",
        "department",
        "region",
        "team",
        "job_title",
        "manager",
        "hired_on",
        "birth_date",
        "national_id",
        "address",
    ],
    "salaries": [
        "employee_id",
        "name",
        "username",
        "department",
        "region",
        "team",
        "year",
        "amount",
        "currency",
    ],
    "performance_reviews": [
        "review_id",
        "employee_id",
        "name",
        "username",
        "department",
        "region",
        "team",
        "year",
        "quarter",
        "rating",
        "goal_attainment",
        "summary",
    ],
    "sales": [
        "sale_id",
        "sold_on",
        "region",
        "team",
        "seller_id",
        "seller",
        "seller_username",
        "product",
        "customer",
        "quantity",
        "amount",
        "discount",
    ],
    "sales_notes": [
        "note_id",
        "sale_id",
        "written_on",
        "region",
        "team",
        "seller",
        "seller_username",
        "product",
        "customer",
        "note",
    ],
    "sales_targets": [
        "year",
        "quarter",
        "region",
        "team",
        "seller_id",
        "seller",
        "target",
        "reached",
    ],
    "financial_reports": [
        "year",
        "quarter",
        "revenue",
        "cost_of_sales",
        "operating_expenses",
        "profit",
    ],
    "expenses": ["year", "quarter", "department", "category", "spent", "budget"],
}
