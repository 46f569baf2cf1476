#!/bin/sh
# Makes what is missing of each service's database and role, both named parley_<service>, as npm start does; a role
# gets the password of <SERVICE>_DB_PASSWORD, also a new one. Safe to run again. PGHOST, PGUSER and PGPASSWORD say
# where and as whom.
set -eu

for service in gateway contact flow_catalog session channel; do
  variable="$(echo "$service" | tr '[:lower:]' '[:upper:]')_DB_PASSWORD"
  eval "ROLE_PASSWORD=\${$variable:?}"
  # In the environment, as everybody can read arguments.
  export ROLE_PASSWORD
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=name="parley_$service" --dbname=postgres <<'SQL'
\getenv password ROLE_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C''', :'name', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
-- Each service's data is its own: others may not even connect.
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
  echo "Database and role parley_$service are there"
done
