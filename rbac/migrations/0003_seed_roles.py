"""The seven roles of the reference chapter, with what its queries need besides."""

from django.db import migrations

PERMISSIONS = {
    "read_public_faq": "Read the public questions and answers",
    "read_public_docs": "Read public documents",
    "read_company_directory": "Look up colleagues",
    "read_own_data": "Read what is held on oneself",
    "read_sales": "Read sales figures",
    "read_sales_aggregate": "Read aggregated sales figures only",
    "read_sales_detail": "Read single sales",
    "write_sales_notes": "Write notes on sales",
    "read_own_performance": "Read one's own performance",
    "read_team_sales": "Read the team's sales",
    "read_team_performance": "Read the team's performance",
    "read_team_data": "Read the department's data",
    "approve_discounts": "Approve discounts",
    "read_hr_data": "Read employee records",
    "write_hr_data": "Change employee records",
    "read_pii": "See personal data in clear",
    "read_employee_salary": "Read salaries",
    "read_employee_salary_aggregate": "Read aggregated salary figures only",
    "read_financial": "Read financial reports",
    "export_financial_reports": "Export financial reports",
    "view_audit": "Read the audit log",
    "explain": "See why somebody may or may not do something",
    "view_matrix": "See the permission matrix",
    "manage_roles": "Define and assign roles",
    "manage_users": "Manage people",
    "manage_catalogue": "Edit the catalogue of queries",
    "manage_privacy": "Handle privacy requests and retention",
    "read_transcript": "Read somebody's conversation",
}

OWN_REGION = {"row_filter": "resource.region == user.region"}
OWN_TEAM = {"row_filter": "resource.team == user.team"}
OWN_DEPARTMENT_BY_DAY = {
    # Both ends as printed: the hour 18 lasts until 18:59.
    "condition": "context.hour >= 8 && context.hour <= 18"
    " && (!has(context.team_id) || context.team_id == user.team)",
    "row_filter": "resource.department == user.department",
}
UP_TO_LIMIT = {
    # Asked in general, a manager may approve; asked about an amount, up to his limit.
    "condition": "!has(context.discount_amount)"
    " || context.discount_amount <= user.approval_limit"
}
OFFICE_HOURS = {"condition": "context.hour >= 9 && context.hour <= 17"}

ROLES = [
    (
        "public",
        "Public",
        "Unauthenticated users",
        [],
        {"read_public_faq": {}, "read_public_docs": {}},
    ),
    (
        "employee",
        "Employee",
        "All authenticated employees",
        [],
        {"read_public_faq": {}, "read_company_directory": {}, "read_own_data": {}},
    ),
    (
        "sales_rep",
        "Sales Rep",
        "Sales representatives",
        ["employee"],
        {"read_sales": OWN_REGION, "write_sales_notes": {}, "read_own_performance": {}},
    ),
    (
        "sales_manager",
        "Sales Manager",
        "Sales team managers",
        ["sales_rep"],
        {
            "read_team_sales": OWN_TEAM,
            "read_team_performance": {},
            "approve_discounts": UP_TO_LIMIT,
            "read_sales_detail": {},
            "read_team_data": OWN_DEPARTMENT_BY_DAY,
        },
    ),
    (
        "hr_specialist",
        "HR Specialist",
        "HR department staff",
        ["employee"],
        {
            "read_hr_data": {},
            "write_hr_data": {},
            "read_pii": {},
            "read_employee_salary": OFFICE_HOURS,
        },
    ),
    (
        "finance",
        "Finance",
        "Finance department",
        ["employee"],
        {"read_financial": {}, "read_sales_aggregate": {}, "export_financial_reports": {}},
    ),
    ("admin", "Administrator", "System administrators", [], {"*": {}}),
]


def seed(apps, schema_editor):
    using = schema_editor.connection.alias
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    domain, _ = content_types.get_or_create(app_label="rbac", model="domain")
    for codename, name in PERMISSIONS.items():
        permissions.get_or_create(
            content_type_id=domain.pk, codename=codename, defaults={"name": name}
        )
    role_model = apps.get_model("rbac", "Role").objects.using(using)
    made = {}
    for name, label, description, parents, grants in ROLES:
        role = role_model.create(
            name=name, label=label, description=description, is_system=True
        )
        made[name] = role
        for parent in parents:
            apps.get_model("rbac", "RoleParent").objects.using(using).create(
                role_id=role.pk, parent_id=made[parent].pk
            )
        for code, terms in grants.items():
            apps.get_model("rbac", "RoleGrant").objects.using(using).create(
                role_id=role.pk, code=code, **terms
            )


def unseed(apps, schema_editor):
    using = schema_editor.connection.alias
    names = [name for name, *_ in ROLES]
    apps.get_model("rbac", "Role").objects.using(using).filter(name__in=names).delete()
    apps.get_model("auth", "Permission").objects.using(using).filter(
        content_type__app_label="rbac", content_type__model="domain"
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("rbac", "0002_stamps_and_cycles"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(seed, unseed)]
