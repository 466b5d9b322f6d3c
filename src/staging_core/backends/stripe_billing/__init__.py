"""Billing through Stripe: what accounts buy is charged there, and looked at when Stripe reports."""
