#!/bin/sh
# Makes the two logins and the database, the first time that PostgreSQL starts.
set -eu
psql --set ON_ERROR_STOP=1 --username postgres \
  --set owner="$STAGING_OWNER_PASSWORD" --set login="$STAGING_LOGIN_PASSWORD" <<'SQL'
CREATE ROLE staging_owner LOGIN CREATEROLE PASSWORD :'owner';
CREATE ROLE staging_login LOGIN PASSWORD :'login';
CREATE DATABASE staging OWNER staging_owner;
SQL
