"""Incidents, their stories, and which alerts belong to them."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auditlog', '0004_event_places'),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE auditlog_incident_number AS bigint",
            "DROP SEQUENCE auditlog_incident_number",
        ),
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(db_default=models.Func(models.Value('auditlog_incident_number'), function='nextval', output_field=models.BigIntegerField()), unique=True)),
                ('title', models.CharField(max_length=200)),
                ('severity', models.CharField(choices=[('info', 'info'), ('notice', 'notice'), ('warning', 'warning'), ('error', 'error'), ('critical', 'critical')], max_length=12)),
                ('state', models.CharField(choices=[('open', 'open'), ('acknowledged', 'acknowledged'), ('resolved', 'resolved')], default='open', max_length=12)),
                ('verdict', models.CharField(blank=True, choices=[('true_positive', 'true positive'), ('false_positive', 'false positive'), ('benign', 'benign')], max_length=16)),
                ('runbook', models.CharField(max_length=40)),
                ('fingerprint', models.CharField(max_length=120)),
                ('actor_pseudonym', models.UUIDField(null=True)),
                ('opened_at', models.DateTimeField()),
                ('raised_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('acknowledged_by', models.UUIDField(null=True)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('resolved_by', models.UUIDField(null=True)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['fingerprint', '-last_at'], name='incident_about'), models.Index(fields=['state', '-id'], name='incident_by_state'), models.Index(fields=['raised_at'], name='incident_by_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ('open', 'acknowledged', 'resolved'))), name='incident_state_known'), models.CheckConstraint(condition=models.Q(('severity__in', ('info', 'notice', 'warning', 'error', 'critical'))), name='incident_severity_known'), models.CheckConstraint(condition=models.Q(models.Q(('acknowledged_at', None), ('state', 'open')), models.Q(('acknowledged_at__isnull', False), ('state', 'acknowledged')), models.Q(('acknowledged_at__isnull', False), ('state', 'resolved')), _connector='OR'), name='incident_acknowledged_when'), models.CheckConstraint(condition=models.Q(models.Q(('resolved_at__isnull', False), ('state', 'resolved'), ('verdict__in', ('true_positive', 'false_positive', 'benign'))), models.Q(models.Q(('state', 'resolved'), _negated=True), ('resolved_at', None), ('verdict', '')), _connector='OR'), name='incident_resolved_with_verdict')],
            },
        ),
        migrations.AddField(
            model_name='alert',
            name='incident',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='alerts', to='auditlog.incident'),
        ),
        migrations.CreateModel(
            name='IncidentEntry',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('opened', 'opened'), ('alert', 'alert'), ('escalated', 'escalated'), ('note', 'note'), ('acknowledged', 'acknowledged'), ('resolved', 'resolved'), ('reopened', 'reopened'), ('notified', 'notified')], max_length=16)),
                ('at', models.DateTimeField()),
                ('actor_pseudonym', models.UUIDField(null=True)),
                ('facts', models.JSONField(default=dict)),
                ('text', models.BinaryField(null=True)),
                ('alert', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='auditlog.alert')),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='auditlog.incident')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ('opened', 'alert', 'escalated', 'note', 'acknowledged', 'resolved', 'reopened', 'notified'))), name='entry_kind_known')],
            },
        ),
    ]
