"""Seals and anchors: taken by the sealer's role, read by everybody, changed by nobody.

An event's epoch is the database cluster in which it was written: transaction ids start
again when a dump is restored, and sealing follows them.
"""

EPOCH = """
ALTER TABLE public.auditlog_event ADD COLUMN epoch smallint NOT NULL DEFAULT 1;

CREATE FUNCTION public.audit_begin_epoch(wanted smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
BEGIN
    -- Waits for every writer: who comes after it writes the new epoch.
    LOCK TABLE public.auditlog_event IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('ALTER TABLE public.auditlog_event ALTER COLUMN epoch'
        ' SET DEFAULT %s', wanted);
END $$;
REVOKE ALL ON FUNCTION public.audit_begin_epoch(smallint) FROM PUBLIC;

CREATE FUNCTION public.audit_cluster() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT system_identifier::text FROM pg_control_system()
$$;
REVOKE ALL ON FUNCTION public.audit_cluster() FROM PUBLIC;
"""

GUARDS = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON public.{table}
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse_change();
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER audit_append_only;
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON public.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse_change();
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER audit_no_truncate;
"""

GRANTS = """
GRANT SELECT ON public.auditlog_event TO {role};
GRANT SELECT, INSERT ON public.auditlog_seal, public.auditlog_anchor TO {role};
GRANT EXECUTE ON FUNCTION public.audit_begin_epoch(smallint) TO {role};
GRANT EXECUTE ON FUNCTION public.audit_cluster() TO {role};
"""

DROP_EPOCH = """
DROP FUNCTION public.audit_cluster();
DROP FUNCTION public.audit_begin_epoch(smallint);
ALTER TABLE public.auditlog_event DROP COLUMN epoch;
"""
