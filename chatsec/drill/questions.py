"""What people ask, by a short name; the demo organisation's catalogue answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

QUESTIONS: Final[Mapping[str, str]] = {
    "hours": "What are your opening hours?",
    "vacation": "vacation policy",
    "password": "How do I reset my password?",
    "help": "what can you do",
    "own_data": "show my personal data",
    "own_performance": "show my performance reviews",
    "directory": "Who works in the Marketing department?",
    "own_sales_1": "show my sales for Q1",
    "own_sales_2": "show my sales for Q2",
    "summary_1": "Show me the sales summary for Q1",
    "summary_3": "Show me the sales summary for Q3",
    "regions": "Sales by region",
    "products": "Sales by product",
    "trend": "Sales trend",
    "top_products": "What are our best selling products?",
    "sellers": "who are our best sales people",
    "notes": "show the sales notes",
    "detail_1": "list all sales transactions in Q1",
    "detail_2": "list all sales transactions in Q2",
    "detail_3": "list all sales transactions in Q3",
    "detail_4": "list all sales transactions in Q4",
    "detail_small": "list orders above 9000",
    "team_1": "Show me team sales for Q1",
    "team_4": "Show me team sales for Q4",
    "report": "Show me the financial report",
    "report_2": "Show me the financial report for Q2",
    "budget": "show the budget by department",
    "records": "Show me all employee records",
    "record_one": "show the employee record of Jane Smith",
    "reviews": "show all performance reviews",
    "salaries": "show me all salaries",
    "salary_average": "average salary by department",
    "headcount": "how many employees are in each department",
}
