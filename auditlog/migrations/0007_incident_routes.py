"""Who is told of incidents, and the messages on their way."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auditlog', '0006_saved_searches'),
    ]

    operations = [
        migrations.CreateModel(
            name='Route',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, unique=True)),
                ('channel', models.CharField(choices=[('mail', 'mail'), ('slack', 'slack'), ('webhook', 'webhook')], max_length=10)),
                ('minimal_severity', models.CharField(choices=[('info', 'info'), ('notice', 'notice'), ('warning', 'warning'), ('error', 'error'), ('critical', 'critical')], default='warning', max_length=12)),
                ('address', models.BinaryField()),
                ('secret', models.BinaryField(null=True)),
                ('starts_at', models.TimeField(null=True)),
                ('ends_at', models.TimeField(null=True)),
                ('weekdays_only', models.BooleanField(default=False)),
                ('is_enabled', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
                ('last_sent_at', models.DateTimeField(null=True)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('channel__in', ('mail', 'slack', 'webhook'))), name='route_channel_known'), models.CheckConstraint(condition=models.Q(('minimal_severity__in', ('info', 'notice', 'warning', 'error', 'critical'))), name='route_severity_known'), models.CheckConstraint(condition=models.Q(models.Q(('ends_at', None), ('starts_at', None)), models.Q(('ends_at__isnull', False), ('starts_at__isnull', False)), _connector='OR'), name='route_both_hours_or_none')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reasons', models.JSONField(default=list)),
                ('state', models.CharField(choices=[('pending', 'pending'), ('sent', 'sent'), ('given_up', 'given up')], default='pending', max_length=10)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('due_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('last_error', models.CharField(blank=True, max_length=80)),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='auditlog.incident')),
                ('route', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='auditlog.route')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['due_at'], name='delivery_due'), models.Index(fields=['route', '-created_at'], name='delivery_by_route')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'pending')), fields=('route', 'incident'), name='delivery_one_waits'), models.CheckConstraint(condition=models.Q(('state__in', ('pending', 'sent', 'given_up'))), name='delivery_state_known')],
            },
        ),
    ]
