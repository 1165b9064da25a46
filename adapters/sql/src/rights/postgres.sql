-- What the account of this session may do beyond reading: one row for each right, with the command
-- that takes it away, and for functions the name by which the configuration can allow them.
-- Roles that the account is a member of count, whether it inherits from them or has to SET ROLE; so
-- does what is granted to PUBLIC. Lines that begin with --VERSION are kept from that version on.
WITH me AS (
  SELECT r.oid, r.rolname, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
         r.rolname = session_user AS self,
         coalesce((SELECT format('REVOKE %I FROM %I', direct.rolname, session_user)
                   FROM pg_catalog.pg_auth_members g
                   JOIN pg_catalog.pg_roles direct ON direct.oid = g.roleid
                   JOIN pg_catalog.pg_roles member ON member.oid = g.member
                   WHERE member.rolname = session_user
                     AND pg_catalog.pg_has_role(direct.oid, r.oid, 'MEMBER')
                   ORDER BY direct.rolname LIMIT 1),
                  format('ALTER DATABASE %I OWNER TO …', current_database())) AS leave
  FROM pg_catalog.pg_roles r
  WHERE pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')
),
who AS (
  SELECT oid, quote_ident(rolname) AS name FROM me
  UNION ALL SELECT 0::oid, 'PUBLIC'
),
-- What a reader needs is harmless. A null acl is the built-in one: nothing for others, but
-- TEMPORARY on databases, which makes tables that nobody else sees and that end with the session.
objects AS (
  SELECT 'TABLE' AS kind, format('%I.%I', n.nspname, c.relname) AS name, c.relowner AS owner,
         c.relacl AS acl,
         -- UPDATE of pg_settings is SET by another name.
         CASE WHEN n.nspname = 'pg_catalog' AND c.relname = 'pg_settings'
              THEN ARRAY['SELECT', 'UPDATE'] ELSE ARRAY['SELECT'] END AS harmless
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
  UNION ALL
  SELECT 'SEQUENCE', format('%I.%I', n.nspname, c.relname), c.relowner, c.relacl, ARRAY['SELECT']
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'S' AND c.relpersistence <> 't'
  UNION ALL
  SELECT 'SCHEMA', quote_ident(nspname), nspowner, nspacl, ARRAY['USAGE']
  FROM pg_catalog.pg_namespace
  UNION ALL
  SELECT 'DATABASE', quote_ident(datname), datdba, datacl, ARRAY['CONNECT', 'TEMPORARY']
  FROM pg_catalog.pg_database
  UNION ALL
  SELECT 'TABLESPACE', quote_ident(spcname), spcowner, spcacl, ARRAY[]::text[]
  FROM pg_catalog.pg_tablespace
  UNION ALL
  SELECT 'FOREIGN SERVER', quote_ident(srvname), srvowner, srvacl, ARRAY[]::text[]
  FROM pg_catalog.pg_foreign_server
  UNION ALL
  SELECT 'FOREIGN DATA WRAPPER', quote_ident(fdwname), fdwowner, fdwacl, ARRAY[]::text[]
  FROM pg_catalog.pg_foreign_data_wrapper
  UNION ALL
  SELECT 'LARGE OBJECT', oid::text, lomowner, lomacl, ARRAY['SELECT']
  FROM pg_catalog.pg_largeobject_metadata
--150000  UNION ALL
--150000  SELECT 'PARAMETER', parname, 0::oid, paracl, ARRAY[]::text[]
--150000  FROM pg_catalog.pg_parameter_acl
)
SELECT 'the attribute ' || a.word || CASE WHEN m.self THEN '' ELSE ' of role ' || quote_ident(m.rolname) END,
       CASE WHEN m.self THEN format('ALTER ROLE %I NO%s', m.rolname, a.word) ELSE m.leave END, NULL
FROM me m CROSS JOIN LATERAL (VALUES ('SUPERUSER', m.rolsuper), ('CREATEROLE', m.rolcreaterole),
  ('CREATEDB', m.rolcreatedb), ('REPLICATION', m.rolreplication)) a(word, has)
WHERE a.has
UNION ALL
-- Roles of the server itself: those that only read are known, every other is a right too many.
SELECT 'membership in role ' || quote_ident(m.rolname), m.leave, NULL
FROM me m
WHERE m.rolname LIKE 'pg\_%' AND m.rolname NOT IN
  ('pg_read_all_data', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables', 'pg_monitor')
UNION ALL
SELECT format('owner of %s objects%s', count(*), CASE
         WHEN s.dbid NOT IN (0, here.oid) THEN format(' in database %I', max(d.datname))
         ELSE coalesce(', the first of them ' || min(named.type || ' ' || named.identity), '') END),
       format('REASSIGN OWNED BY %I TO …', m.rolname), NULL
FROM pg_catalog.pg_shdepend s
JOIN me m ON m.oid = s.refobjid
JOIN pg_catalog.pg_database here ON here.datname = current_database()
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
LEFT JOIN LATERAL pg_catalog.pg_identify_object(s.classid, s.objid, s.objsubid) named
  ON s.dbid IN (0, here.oid)
WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'o'
  AND NOT (s.dbid = here.oid AND s.classid = 'pg_catalog.pg_class'::regclass
           AND EXISTS (SELECT 1 FROM pg_catalog.pg_class t WHERE t.oid = s.objid AND t.relpersistence = 't'))
GROUP BY m.rolname, s.dbid, here.oid
UNION ALL
SELECT format('%s%s on %s %s, granted to %s', CASE WHEN found.harmless THEN 'GRANT OPTION FOR ' ELSE '' END,
              found.rights, lower(found.kind), found.name, found.grantee),
       format('REVOKE %s%s ON %s %s FROM %s', CASE WHEN found.harmless THEN 'GRANT OPTION FOR ' ELSE '' END,
              found.rights, found.kind, found.name, found.grantee), NULL
FROM (
  SELECT o.kind, o.name, w.name AS grantee, a.privilege_type = ANY (o.harmless) AS harmless,
         string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS rights
  FROM objects o CROSS JOIN LATERAL aclexplode(o.acl) a JOIN who w ON w.oid = a.grantee
  WHERE a.grantee <> o.owner AND (a.is_grantable OR NOT a.privilege_type = ANY (o.harmless))
  GROUP BY 1, 2, 3, 4
) found
UNION ALL
SELECT format('%s (%I) on table %I.%I, granted to %s', a.privilege_type, c.attname, n.nspname, t.relname, w.name),
       format('REVOKE %s (%I) ON TABLE %I.%I FROM %s', a.privilege_type, c.attname, n.nspname, t.relname, w.name), NULL
FROM pg_catalog.pg_attribute c
JOIN pg_catalog.pg_class t ON t.oid = c.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
CROSS JOIN LATERAL aclexplode(c.attacl) a JOIN who w ON w.oid = a.grantee
WHERE NOT c.attisdropped AND a.grantee <> t.relowner AND a.privilege_type <> 'SELECT'
UNION ALL
SELECT format('%s on the %s that %I will make, granted to %s', string_agg(a.privilege_type, ', '),
              lower(k.word), r.rolname, w.name),
       format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE %s ON %s FROM %s', r.rolname,
              coalesce(' IN SCHEMA ' || quote_ident(n.nspname), ''), string_agg(a.privilege_type, ', '),
              k.word, w.name), NULL
FROM pg_catalog.pg_default_acl d
JOIN pg_catalog.pg_roles r ON r.oid = d.defaclrole
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
JOIN (VALUES ('r'::"char", 'TABLES', 'SELECT'), ('S', 'SEQUENCES', 'SELECT'), ('n', 'SCHEMAS', 'USAGE'))
  k(kind, word, harmless) ON k.kind = d.defaclobjtype
CROSS JOIN LATERAL aclexplode(d.defaclacl) a JOIN who w ON w.oid = a.grantee
WHERE a.grantee <> d.defaclrole AND a.privilege_type <> k.harmless
GROUP BY r.rolname, n.nspname, k.word, w.name
UNION ALL
-- Functions that run with the rights of somebody else, or in a language that knows no rights; and
-- those of the server itself that it gives to nobody until an administrator does.
SELECT format('EXECUTE on function %s, which %s, granted to %s', f.signature, f.reason, w.name),
       format('REVOKE EXECUTE ON ROUTINE %s FROM %s', f.signature, w.name), f.plain
FROM (
  SELECT p.oid, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) AS acl,
         n.nspname || '.' || p.proname AS plain,
         format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS signature,
         CASE WHEN p.prosecdef THEN 'runs with the rights of ' || pg_catalog.pg_get_userbyid(p.proowner)
              WHEN NOT l.lanpltrusted AND l.lanname NOT IN ('internal', 'c') THEN 'is in ' || l.lanname || ', which knows no rights'
              ELSE 'is for administrators' END AS reason,
         NOT (p.prosecdef OR NOT l.lanpltrusted AND l.lanname NOT IN ('internal', 'c')) AS builtin
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  WHERE p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND (p.prosecdef OR NOT l.lanpltrusted AND l.lanname NOT IN ('internal', 'c')
         OR n.nspname = 'pg_catalog' AND p.proacl IS NOT NULL)
) f
CROSS JOIN LATERAL aclexplode(f.acl) a JOIN who w ON w.oid = a.grantee
WHERE a.grantee <> f.proowner AND a.privilege_type = 'EXECUTE'
  AND NOT (f.builtin AND EXISTS (
    SELECT 1 FROM pg_catalog.pg_init_privs i CROSS JOIN LATERAL aclexplode(i.initprivs) initial
    WHERE i.objoid = f.oid AND i.classoid = 'pg_catalog.pg_proc'::regclass AND initial.grantee = a.grantee))
UNION ALL
SELECT 'UPDATE on every large object, because lo_compat_privileges is on',
       'ALTER SYSTEM SET lo_compat_privileges = off', NULL
WHERE current_setting('lo_compat_privileges') = 'on'
