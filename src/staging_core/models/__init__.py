"""The nouns of the field, as frozen msgspec structs.

Structs only ever gain fields with defaults: what an outsider builds today keeps working.
"""

from __future__ import annotations

from .allowance import Allowance
from .api_key import ApiKey, KeyUse, NewApiKey
from .attempt import Attempt
from .audit_entry import AUDIT_ACTIONS, Actor, AuditAction, AuditEntry
from .billing_event import BillingEvent
from .callback import Callback, Notice
from .card import Canvas, ModelCard, Price, Sizes
from .catalog import ROOMS, STYLES, USUAL_ROOM, USUAL_STYLE, check_room, check_style
from .entry import Entry, EntryKind
from .event import MOST_EVENTS, EventPage, JobEvent
from .face import Face
from .grant import DownloadGrant, UploadGrant, UploadTicket
from .image import Group, Image
from .inspected import Inspected
from .invoice import Invoice, InvoiceStatus
from .job import TERMINAL, Job, JobState, JobStatus, NewJob, states_of, status_of
from .offer import Listing, Offer, OfferKind, PublishedPrice
from .operations import ModelStatistics, Reconciled, Statistics, StoredStatistics
from .order import Order, Quote
from .outcome import Absent, CannotTell, Failed, Found, Output, Staged, Waiting
from .pack import Pack
from .paid import (
    Paid,
    PaidCustomer,
    PaidKind,
    PaidPurchase,
    PaidSubscription,
    PaymentNews,
    PaymentNotice,
)
from .payable import Payable
from .payment_method import Card, PaymentMethod
from .picture import Picture
from .place import Place
from .plan import USUAL_PLANS, Plan
from .principal import ROLES, Credentials, Identity, Principal, UserRole, highest
from .profile import Profile
from .project import Project, ProjectCost
from .provider import Command, Provider
from .quoting import quote_of
from .request import StageRequest
from .reservation import Reservation, Settlement
from .runtime import ConfigField, ModelConfig, RuntimeSetting
from .scope import SCOPES, check_role, check_scope, checked_scopes
from .standing import Period, Standing
from .stored import ByteRange, Stored, check_key, check_prefix, is_key
from .subscription import Subscription, SubscriptionStatus
from .ticket import Ticket
from .update import Update
from .upload import Upload
from .usage import MOST_QUOTED, Usage
from .user import User
from .wake import Wake
from .webhook import (
    EVENT_TYPES,
    TEST_EVENT,
    DeliveryState,
    DisabledReason,
    EventType,
    Message,
    NewWebhookEndpoint,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    message_of,
    trial_message,
)

__all__ = [
    "AUDIT_ACTIONS",
    "EVENT_TYPES",
    "MOST_EVENTS",
    "MOST_QUOTED",
    "ROLES",
    "ROOMS",
    "SCOPES",
    "STYLES",
    "TERMINAL",
    "TEST_EVENT",
    "USUAL_PLANS",
    "USUAL_ROOM",
    "USUAL_STYLE",
    "Absent",
    "Actor",
    "Allowance",
    "ApiKey",
    "Attempt",
    "AuditAction",
    "AuditEntry",
    "BillingEvent",
    "ByteRange",
    "Callback",
    "CannotTell",
    "Canvas",
    "Card",
    "Command",
    "ConfigField",
    "Credentials",
    "DeliveryState",
    "DisabledReason",
    "DownloadGrant",
    "Entry",
    "EntryKind",
    "EventPage",
    "EventType",
    "Face",
    "Failed",
    "Found",
    "Group",
    "Identity",
    "Image",
    "Inspected",
    "Invoice",
    "InvoiceStatus",
    "Job",
    "JobEvent",
    "JobState",
    "JobStatus",
    "KeyUse",
    "Listing",
    "Message",
    "ModelCard",
    "ModelConfig",
    "ModelStatistics",
    "NewApiKey",
    "NewJob",
    "NewWebhookEndpoint",
    "Notice",
    "Offer",
    "OfferKind",
    "Order",
    "Output",
    "Pack",
    "Paid",
    "PaidCustomer",
    "PaidKind",
    "PaidPurchase",
    "PaidSubscription",
    "Payable",
    "PaymentMethod",
    "PaymentNews",
    "PaymentNotice",
    "Period",
    "Picture",
    "Place",
    "Plan",
    "Price",
    "Principal",
    "Profile",
    "Project",
    "ProjectCost",
    "Provider",
    "PublishedPrice",
    "Quote",
    "Reconciled",
    "Reservation",
    "RuntimeSetting",
    "Settlement",
    "Sizes",
    "StageRequest",
    "Staged",
    "Standing",
    "Statistics",
    "Stored",
    "StoredStatistics",
    "Subscription",
    "SubscriptionStatus",
    "Ticket",
    "Update",
    "Upload",
    "UploadGrant",
    "UploadTicket",
    "Usage",
    "User",
    "UserRole",
    "Waiting",
    "Wake",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "check_key",
    "check_prefix",
    "check_role",
    "check_room",
    "check_scope",
    "check_style",
    "checked_scopes",
    "highest",
    "is_key",
    "message_of",
    "quote_of",
    "states_of",
    "status_of",
    "trial_message",
]
