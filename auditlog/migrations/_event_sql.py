"""The event table's SQL: partitions, triggers, and the functions that tend them.

The table is LIST(category) -> RANGE(occurred_at); partitions live in a schema that the
application role cannot look into, so everything goes through the parent.
"""

MONTHLY = "('access', 'error', 'security')"

TABLE = """
CREATE SCHEMA IF NOT EXISTS audit_parts;
REVOKE ALL ON SCHEMA audit_parts FROM PUBLIC;

CREATE TABLE public.auditlog_event (
    event_id uuid NOT NULL,
    category text NOT NULL CHECK (category IN
        ('access', 'authorization', 'data_access', 'audit', 'error', 'security')),
    occurred_at timestamptz NOT NULL,
    event_type text NOT NULL CHECK (event_type <> ''),
    severity text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('success', 'failure', 'denied', 'error')),
    actor_kind text NOT NULL,
    actor_pseudonym uuid,
    subject_pseudonym uuid,
    channel text NOT NULL DEFAULT '',
    session_hash bytea,
    ip_hash bytea,
    request_id text NOT NULL DEFAULT '',
    resource_type text NOT NULL DEFAULT '',
    resource_id text NOT NULL DEFAULT '',
    classification text NOT NULL DEFAULT '',
    result_count integer,
    details bytea,
    subject_details bytea,
    redacted boolean NOT NULL DEFAULT false,
    redaction_count integer NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL CHECK (expires_at > occurred_at),
    schema_version smallint NOT NULL DEFAULT 1,
    xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    PRIMARY KEY (event_id, category, occurred_at)
) PARTITION BY LIST (category);

CREATE INDEX auditlog_event_actor ON public.auditlog_event
    (actor_pseudonym, occurred_at);
CREATE INDEX auditlog_event_type ON public.auditlog_event (event_type, occurred_at);
CREATE INDEX auditlog_event_subject ON public.auditlog_event
    (subject_pseudonym, occurred_at) WHERE subject_pseudonym IS NOT NULL;
CREATE INDEX auditlog_event_request ON public.auditlog_event (request_id)
    WHERE request_id <> '';
CREATE INDEX auditlog_event_resource ON public.auditlog_event
    (resource_type, resource_id) WHERE resource_id <> '';
CREATE INDEX auditlog_event_time ON public.auditlog_event
    USING brin (occurred_at) WITH (pages_per_range = 16);
CREATE INDEX auditlog_event_xid ON public.auditlog_event
    USING brin (xid) WITH (pages_per_range = 16);
"""

TRIGGERS = """
CREATE FUNCTION public.audit_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only: % on % refused',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON public.auditlog_event
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse_change();
ALTER TABLE public.auditlog_event ENABLE ALWAYS TRIGGER audit_append_only;
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON public.auditlog_event
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_change();
ALTER TABLE public.auditlog_event ENABLE ALWAYS TRIGGER audit_no_truncate;

CREATE FUNCTION public.audit_guard_partition(part text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Statement triggers do not spread to partitions: each needs its own.
    EXECUTE format('CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_parts.%I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_change()', part);
    EXECUTE format('ALTER TABLE audit_parts.%I'
        ' ENABLE ALWAYS TRIGGER audit_no_truncate', part);
    EXECUTE format('ALTER TABLE audit_parts.%I'
        ' ENABLE ALWAYS TRIGGER audit_append_only', part);
END $$;
REVOKE ALL ON FUNCTION public.audit_guard_partition(text) FROM PUBLIC;

DO $$
DECLARE kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['access', 'authorization', 'data_access', 'audit',
                                'error', 'security'] LOOP
        EXECUTE format('CREATE TABLE audit_parts.%I PARTITION OF public.auditlog_event'
            ' FOR VALUES IN (%L) PARTITION BY RANGE (occurred_at)',
            'event_' || kind, kind);
        PERFORM public.audit_guard_partition('event_' || kind);
    END LOOP;
END $$;
"""

RETENTION_DAYS = """
CREATE FUNCTION public.audit_retention_days(category text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE category
        WHEN 'access' THEN 90
        WHEN 'error' THEN 180
        WHEN 'security' THEN 730
        WHEN 'authorization' THEN 2555
        WHEN 'data_access' THEN 2555
        WHEN 'audit' THEN 2555
    END
$$;
"""

ENSURE_PARTITIONS = f"""
CREATE FUNCTION public.audit_ensure_partitions(since date, months integer)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    kind text;
    step interval;
    lower timestamptz;
    until timestamptz;
    leaf text;
    made integer := 0;
BEGIN
    IF months NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'months must be between 0 and 120';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('chatsec audit partitions'));
    FOREACH kind IN ARRAY ARRAY['access', 'authorization', 'data_access', 'audit',
                                'error', 'security'] LOOP
        IF kind IN {MONTHLY} THEN
            step := interval '1 month';
            lower := date_trunc('month', since::timestamptz);
            until := since + make_interval(months => months);
        ELSE
            step := interval '1 year';
            lower := date_trunc('year', since::timestamptz);
            until := since + make_interval(months => greatest(months, 12));
        END IF;
        WHILE lower <= until LOOP
            leaf := 'event_' || kind || '_' || to_char(lower,
                CASE WHEN kind IN {MONTHLY} THEN 'YYYY_MM' ELSE 'YYYY' END);
            IF to_regclass('audit_parts.' || leaf) IS NULL THEN
                -- CREATE ... PARTITION OF would lock writers out; ATTACH does not.
                EXECUTE format('CREATE TABLE audit_parts.%I (LIKE public.auditlog_event'
                    ' INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', leaf);
                EXECUTE format('ALTER TABLE audit_parts.%I ATTACH PARTITION'
                    ' audit_parts.%I FOR VALUES FROM (%L) TO (%L)',
                    'event_' || kind, leaf, lower, lower + step);
                PERFORM public.audit_guard_partition(leaf);
                made := made + 1;
            END IF;
            lower := lower + step;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION public.audit_ensure_partitions(date, integer) FROM PUBLIC;
"""

EXPIRY = """
CREATE FUNCTION public.audit_partitions()
RETURNS TABLE (partition text, category text, upper_bound timestamptz, expired boolean)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT found.leaf, found.category, found.upper_bound,
        found.upper_bound
        + make_interval(days => public.audit_retention_days(found.category)) <= now()
    FROM (
        SELECT leaf.relname::text AS leaf,
            substring(parent.relname::text FROM '^event_(.*)$') AS category,
            substring(pg_get_expr(leaf.relpartbound, leaf.oid)
                FROM $re$TO \\('([^']+)'\\)$re$)::timestamptz AS upper_bound
        FROM pg_inherits
        JOIN pg_class leaf ON leaf.oid = pg_inherits.inhrelid AND leaf.relkind = 'r'
        JOIN pg_class parent ON parent.oid = pg_inherits.inhparent
        JOIN pg_namespace ON pg_namespace.oid = parent.relnamespace
            AND pg_namespace.nspname = 'audit_parts'
    ) AS found
    ORDER BY found.leaf
$$;
REVOKE ALL ON FUNCTION public.audit_partitions() FROM PUBLIC;

CREATE FUNCTION public.audit_new_event_id() RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    -- A version 7 UUID (RFC 9562, 5.7) on servers that have no uuidv7().
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(
            floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;
REVOKE ALL ON FUNCTION public.audit_new_event_id() FROM PUBLIC;

CREATE FUNCTION public.audit_drop_partition(leaf text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    part record;
    kept timestamptz;
    dropped bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('chatsec audit partitions'));
    SELECT * INTO part FROM public.audit_partitions() AS p WHERE p.partition = leaf;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no audit partition is called %', leaf
            USING ERRCODE = 'undefined_table';
    END IF;
    IF part.expired IS NOT TRUE THEN
        RAISE EXCEPTION 'audit partition % is younger than its retention', leaf
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT count(*), max(expires_at) FROM audit_parts.%I', leaf)
        INTO dropped, kept;
    IF kept > now() THEN
        RAISE EXCEPTION 'audit partition % holds events kept until %', leaf, kept
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('ALTER TABLE audit_parts.%I DETACH PARTITION audit_parts.%I',
        'event_' || part.category, leaf);
    EXECUTE format('DROP TABLE audit_parts.%I', leaf);
    -- No partition goes without a trace, whoever calls this and from where.
    INSERT INTO public.auditlog_event (event_id, category, occurred_at, event_type,
        severity, outcome, actor_kind, channel, resource_type, resource_id,
        result_count, expires_at)
    VALUES (public.audit_new_event_id(), 'audit', clock_timestamp(),
        'auditlog.partition_pruned', 'notice', 'success', 'system', 'system',
        'audit_partition', leaf, least(dropped, 2147483647)::integer,
        now() + make_interval(days => public.audit_retention_days('audit')));
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION public.audit_drop_partition(text) FROM PUBLIC;
"""

RETENTION_GRANTS = """
GRANT EXECUTE ON FUNCTION public.audit_ensure_partitions(date, integer) TO {role};
GRANT EXECUTE ON FUNCTION public.audit_partitions() TO {role};
GRANT EXECUTE ON FUNCTION public.audit_drop_partition(text) TO {role};
"""

FIRST_PARTITIONS = """
SELECT public.audit_ensure_partitions(
    (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month')::date, 7);
"""

DROP = """
DROP TABLE public.auditlog_event CASCADE;
DROP FUNCTION public.audit_drop_partition(text);
DROP FUNCTION public.audit_new_event_id();
DROP FUNCTION public.audit_partitions();
DROP FUNCTION public.audit_ensure_partitions(date, integer);
DROP FUNCTION public.audit_retention_days(text);
DROP FUNCTION public.audit_guard_partition(text);
DROP FUNCTION public.audit_refuse_change();
DROP SCHEMA audit_parts CASCADE;
"""
