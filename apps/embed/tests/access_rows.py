"""The access matrix: how each route is called with what is another account's.

A route that is new has to get a row in ``ROWS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from staging_embed.routes import GROUPS

from .house import photo

ROUTES = {route.operation_id: route for routes in GROUPS.values() for route in routes.all}
SIGNED_IN = {name: route for name, route in ROUTES.items() if route.access.who != "anyone"}


A_FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--x--\r\n'


@dataclass
class Victim:
    """What there is of somebody. ``cursors``: of its lists, by operation."""

    account_id: str
    project: str = ""
    image: str = ""
    group: str = ""
    job: str = ""
    key: str = ""
    upload: str = ""
    upload_key: str = ""
    object_key: str = ""
    endpoint: str = ""
    delivery: str = ""
    position: int = 0
    cursors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """How a route is called with what is the victim's.

    ``own``: it names nothing of anybody. ``some``: what is refused is told one by one. ``unpaid``:
    it needs a payment provider, and there is none.
    """

    path: Callable[[Victim], dict[str, str]] = lambda _: {}
    query: Callable[[Victim], dict[str, str]] = lambda _: {}
    headers: Callable[[Victim], dict[str, str]] = lambda _: {}
    body: Callable[[Victim], Any] = lambda _: None
    content: bytes | None = None
    own: bool = False
    some: bool = False
    unpaid: bool = False


def of(**names: str) -> Callable[[Victim], dict[str, str]]:
    """Parts of a path, each from a field of the victim's."""
    return lambda victim: {name: getattr(victim, attribute) for name, attribute in names.items()}


PROJECT, IMAGE = Row(path=of(project_id="project")), Row(path=of(image_id="image"))
JOB = Row(path=of(job_id="job"))
ENDPOINT = Row(path=of(endpoint_id="endpoint"))
DELIVERY = Row(path=of(endpoint_id="endpoint", delivery_id="delivery"))
NAMED = {"name": "mine"}
NOBODY = "127.0.0.1:9"


def order(victim: Victim) -> dict[str, str]:
    """An image of the victim's photo in the victim's project."""
    return {"project_id": victim.project, "upload_id": victim.upload}


OWN = Row(own=True)
# Nobody can pay here yet; whoever may ask is told so.
PAID = Row(body=lambda _: {"price_id": "p", "paymentMethodId": "m"}, unpaid=True)
# No account's, and for operators only.
OPERATORS, MODEL = Row(), Row(path=lambda _: {"model_id": "fake"})

ROWS: dict[str, Row] = {
    "create_project": Row(body=lambda _: NAMED, own=True),
    "list_projects": OWN,
    "get_project": PROJECT,
    "rename_project": Row(path=of(project_id="project"), body=lambda _: NAMED),
    "delete_project": PROJECT,
    "list_project_images": PROJECT,
    "list_project_images_grouped": PROJECT,
    "list_project_originals": PROJECT,
    "get_project_archive": PROJECT,
    "get_project_cost": PROJECT,
    "presign_upload": Row(
        body=lambda _: {"filename": "a.jpg", "content_type": "image/jpeg", "file_size": 5}, own=True
    ),
    "upload_photo": Row(query=lambda _: {"filename": "a.png"}, content=photo(), own=True),
    "upload_from_url": Row(body=lambda _: {"url": "https://127.0.0.1/a.jpg"}),
    "find_upload": Row(query=of(address="upload_key")),
    "get_upload": Row(path=of(upload_id="upload")),
    "complete_upload": Row(path=of(upload_id="upload")),
    "create_image": Row(body=order),
    "create_images": Row(body=lambda victim: {"images": [order(victim)]}, some=True),
    "presign_picture": IMAGE,
    "look_at_picture": Row(path=lambda victim: {"image_id": victim.image, "kind": "original"}),
    "get_picture": Row(path=lambda victim: {"image_id": victim.image, "kind": "original"}),
    "put_object": Row(path=of(key="object_key"), content=b"x"),
    "post_object": Row(
        path=of(key="object_key"),
        headers=lambda _: {"Content-Type": "multipart/form-data; boundary=x"},
        content=A_FORM,
    ),
    "get_object": Row(path=of(key="object_key")),
    "list_images": Row(query=of(project_id="project")),
    "get_image": IMAGE,
    "delete_image": IMAGE,
    "list_image_events": IMAGE,
    "cancel_image": IMAGE,
    "retry_image": IMAGE,
    "get_group": Row(path=of(group_id="group")),
    "list_jobs": OWN,
    "get_job": JOB,
    "list_job_attempts": JOB,
    "list_job_events": JOB,
    "cancel_job": JOB,
    "create_event_ticket": OWN,
    "list_events": Row(query=of(group_id="group")),
    "follow_events": Row(query=of(image_id="image")),
    "get_catalog": OWN,
    "get_me": OWN,
    "get_profile": OWN,
    "change_profile": Row(body=lambda _: {"phone": "1"}, own=True),
    "create_key": Row(body=lambda _: {"name": "mine", "scopes": ["images:read"]}, own=True),
    "list_keys": OWN,
    "revoke_key": Row(path=of(key_id="key")),
    "create_webhook_endpoint": Row(body=lambda _: {"url": f"http://{NOBODY}/mine"}, own=True),
    "list_webhook_endpoints": OWN,
    "get_webhook_endpoint": ENDPOINT,
    "change_webhook_endpoint": Row(
        path=of(endpoint_id="endpoint"), body=lambda _: {"enabled": False}
    ),
    "delete_webhook_endpoint": ENDPOINT,
    "rotate_webhook_secret": Row(path=of(endpoint_id="endpoint"), body=lambda _: {"overlap": 0}),
    "send_test_webhook": ENDPOINT,
    "list_webhook_deliveries": ENDPOINT,
    "get_webhook_delivery": DELIVERY,
    "redeliver_webhook": DELIVERY,
    "export_account": OWN,
    "delete_account": Row(query=of(confirm="account_id")),
    "get_usage": OWN,
    "quote": Row(body=lambda _: {"images": 1}, own=True),
    "list_ledger": OWN,
    "list_subscriptions": OWN,
    "list_invoices": OWN,
    "create_checkout": PAID,
    "create_billing_portal": PAID,
    "create_subscription_elements": PAID,
    "list_payment_methods": PAID,
    "set_default_payment_method": PAID,
    "remove_payment_method": PAID,
    "upgrade_subscription": PAID,
    "cancel_subscription": PAID,
    "resume_subscription": PAID,
    "receive_stripe_webhook": PAID,
    "list_admin_models": OPERATORS,
    "get_active_model": OPERATORS,
    "activate_model": Row(body=lambda _: {"value": "fake"}),
    "get_model_config": MODEL,
    "configure_model": Row(path=lambda _: {"model_id": "fake"}, body=lambda _: {}),
    "get_model_config_schema": MODEL,
    "list_settings": OPERATORS,
    "get_setting": Row(path=lambda _: {"key": "max_queued"}),
    "change_setting": Row(path=lambda _: {"key": "max_queued"}, body=lambda _: {"value": 9}),
    "list_audit_log": OPERATORS,
    "list_admin_jobs": OPERATORS,
    "requeue_job": Row(path=of(job_id="job")),
    "cancel_admin_job": Row(path=of(job_id="job")),
    "reconcile_images": Row(body=lambda _: {"dry_run": False}),
    "get_statistics": OPERATORS,
    "receive_callback": Row(path=lambda _: {"attempt_id": "0" * 32}),
    "receive_replicate_webhook": OWN,
    "get_health": OWN,
    "get_readiness": OWN,
    "get_openapi_document": OWN,
    "get_documentation": OWN,
    "get_documentation_asset": Row(path=lambda _: {"name": "start.js"}, own=True),
}
