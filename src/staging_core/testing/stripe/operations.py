"""The operations of the API: who answers each, and which of its parameters the double honours."""

from __future__ import annotations

from stripe import params

from .api import Api
from .call import Reading
from .parts import Parts


def api_of(parts: Parts) -> Api:
    """The API with all operations."""
    api, reading = Api(parts.account, parts.clocks), Reading(parts.account)
    for add in (_catalogue, _customers, _payments, _billing, _selling, _usage, _rest):
        add(api, parts, reading)
    return api


def _catalogue(api: Api, parts: Parts, reading: Reading) -> None:
    product = "active description images marketing_features metadata name statement_descriptor"
    product += " tax_code unit_label url"
    own = parts.products
    api.add("POST /products", own.create, params.ProductCreateParams, f"{product} id")
    api.add(
        "POST /products/{id}", own.update, params.ProductUpdateParams, f"{product} default_price"
    )
    api.add("GET /products/{id}", reading.one("product"), params.ProductRetrieveParams)
    api.add("DELETE /products/{id}", own.delete, params.ProductDeleteParams)
    api.pages("/products", own.pages, params.ProductListParams, "active ids")
    feature = "/products/{id}/features"
    api.add(
        f"POST {feature}", own.add_feature, params.ProductFeatureCreateParams, "entitlement_feature"
    )
    api.pages(feature, own.features, params.ProductFeatureListParams)
    one = "/products/{product}/features/{id}"
    api.add(f"DELETE {one}", own.remove_feature, params.ProductFeatureDeleteParams)

    price = "active lookup_key metadata nickname tax_behavior transfer_lookup_key"
    made = f"{price} billing_scheme currency product tiers tiers_mode unit_amount"
    made += " unit_amount_decimal recurring.interval recurring.interval_count recurring.meter"
    made += " recurring.usage_type"
    api.add("POST /prices", parts.prices.create, params.PriceCreateParams, made)
    api.add("POST /prices/{id}", parts.prices.update, params.PriceUpdateParams, price)
    api.add("GET /prices/{id}", reading.one("price"), params.PriceRetrieveParams)
    asked = "active currency lookup_keys product recurring type"
    api.pages("/prices", parts.prices.pages, params.PriceListParams, asked)

    coupon = "amount_off applies_to currency duration duration_in_months id max_redemptions"
    coupon += " metadata name percent_off redeem_by"
    coupons = parts.coupons
    api.add("POST /coupons", coupons.create, params.CouponCreateParams, coupon)
    api.add("POST /coupons/{id}", coupons.update, params.CouponUpdateParams, "metadata name")
    api.add("GET /coupons/{id}", reading.one("coupon"), params.CouponRetrieveParams)
    api.add("DELETE /coupons/{id}", coupons.delete, params.CouponDeleteParams)
    api.pages("/coupons", reading.pages("coupon"), params.CouponListParams)
    code = "active code customer expires_at max_redemptions metadata promotion"
    code += " restrictions.first_time_transaction"
    codes = "/promotion_codes"
    api.add(f"POST {codes}", coupons.create_code, params.PromotionCodeCreateParams, code)
    change = "active metadata"
    api.add(f"POST {codes}/{{id}}", coupons.update_code, params.PromotionCodeUpdateParams, change)
    one_code = reading.one("promotion_code")
    api.add(f"GET {codes}/{{id}}", one_code, params.PromotionCodeRetrieveParams)
    paged = reading.pages("promotion_code", "active", "code", "customer")
    api.pages(codes, paged, params.PromotionCodeListParams, "active code customer")


def _customers(api: Api, parts: Parts, reading: Reading) -> None:
    fields = "address balance description email invoice_settings.default_payment_method metadata"
    fields += " name phone preferred_locales shipping tax_exempt"
    own = parts.customers
    created = f"{fields} payment_method test_clock"
    api.add("POST /customers", own.create, params.CustomerCreateParams, created)
    api.add("POST /customers/{id}", own.update, params.CustomerUpdateParams, fields)
    api.add("GET /customers/{id}", own.retrieve, params.CustomerRetrieveParams)
    api.add("DELETE /customers/{id}", own.delete, params.CustomerDeleteParams)
    paged = reading.pages("customer", "email", "test_clock")
    api.pages("/customers", paged, params.CustomerListParams, "email test_clock")

    methods = parts.methods
    of = "/customers/{customer}/payment_methods"
    api.pages(of, methods.pages, params.CustomerPaymentMethodListParams, "type")
    api.add(f"GET {of}/{{id}}", methods.of, params.CustomerPaymentMethodRetrieveParams)
    method = "/payment_methods"
    made = "type card.token billing_details metadata"
    api.add(f"POST {method}", methods.create, params.PaymentMethodCreateParams, made)
    api.add(
        f"POST {method}/{{id}}/attach", methods.attach, params.PaymentMethodAttachParams, "customer"
    )
    api.add(f"POST {method}/{{id}}/detach", methods.detach, params.PaymentMethodDetachParams)
    change = "billing_details card.exp_month card.exp_year metadata"
    api.add(f"POST {method}/{{id}}", methods.update, params.PaymentMethodUpdateParams, change)
    api.add(
        f"GET {method}/{{id}}", reading.one("payment_method"), params.PaymentMethodRetrieveParams
    )
    api.pages(method, methods.pages, params.PaymentMethodListParams, "customer type")


def _payments(api: Api, parts: Parts, reading: Reading) -> None:
    own, intents = parts.intents, "/payment_intents"
    made = "amount automatic_payment_methods confirm currency customer description metadata"
    made += " allowed_payment_method_types off_session payment_method receipt_email return_url"
    made += " setup_future_usage"
    api.add(f"POST {intents}", own.create, params.PaymentIntentCreateParams, made)
    confirm = "payment_method off_session return_url"
    api.add(
        f"POST {intents}/{{id}}/confirm", own.confirm, params.PaymentIntentConfirmParams, confirm
    )
    why = "cancellation_reason"
    api.add(f"POST {intents}/{{id}}/cancel", own.cancel, params.PaymentIntentCancelParams, why)
    change = "description metadata payment_method receipt_email"
    api.add(f"POST {intents}/{{id}}", own.update, params.PaymentIntentUpdateParams, change)
    one = reading.one("payment_intent")
    api.add(f"GET {intents}/{{id}}", one, params.PaymentIntentRetrieveParams, "client_secret")
    paged = reading.pages("payment_intent", "customer")
    api.pages(intents, paged, params.PaymentIntentListParams, "customer")

    setups = "/setup_intents"
    made = "automatic_payment_methods confirm customer description metadata payment_method"
    made += " allowed_payment_method_types return_url usage"
    api.add(f"POST {setups}", own.create_setup, params.SetupIntentCreateParams, made)
    confirm = "payment_method return_url"
    api.add(
        f"POST {setups}/{{id}}/confirm", own.confirm_setup, params.SetupIntentConfirmParams, confirm
    )
    api.add(f"POST {setups}/{{id}}/cancel", own.cancel_setup, params.SetupIntentCancelParams, why)
    one = reading.one("setup_intent")
    api.add(f"GET {setups}/{{id}}", one, params.SetupIntentRetrieveParams, "client_secret")
    paged = reading.pages("setup_intent", "customer")
    api.pages(setups, paged, params.SetupIntentListParams, "customer")

    api.add("GET /charges/{id}", reading.one("charge"), params.ChargeRetrieveParams)
    paged = reading.pages("charge", "customer", "payment_intent")
    api.pages("/charges", paged, params.ChargeListParams, "customer payment_intent")
    refund = "amount charge metadata payment_intent reason"
    api.add("POST /refunds", parts.charges.refund, params.RefundCreateParams, refund)
    api.add(
        "POST /refunds/{id}", parts.charges.update_refund, params.RefundUpdateParams, "metadata"
    )
    api.add("GET /refunds/{id}", reading.one("refund"), params.RefundRetrieveParams)
    paged = reading.pages("refund", "charge", "payment_intent")
    api.pages("/refunds", paged, params.RefundListParams, "charge payment_intent")
    evidence = "evidence metadata submit"
    api.add("POST /disputes/{id}", parts.disputes.update, params.DisputeUpdateParams, evidence)
    api.add("POST /disputes/{id}/close", parts.disputes.close, params.DisputeCloseParams)
    api.add("GET /disputes/{id}", reading.one("dispute"), params.DisputeRetrieveParams)
    paged = reading.pages("dispute", "charge", "payment_intent")
    api.pages("/disputes", paged, params.DisputeListParams, "charge payment_intent")


def _billing(api: Api, parts: Parts, reading: Reading) -> None:
    own = parts.subscriptions
    both = "automatic_tax.enabled cancel_at cancel_at_period_end default_payment_method description"
    both += " discounts items.metadata items.price items.quantity metadata off_session"
    both += " payment_behavior payment_settings.payment_method_types"
    both += " payment_settings.save_default_payment_method proration_behavior trial_end"
    both += " trial_settings.end_behavior.missing_payment_method"
    made = f"{both} customer trial_period_days"
    api.add("POST /subscriptions", own.create, params.SubscriptionCreateParams, made)
    change = f"{both} billing_cycle_anchor cancellation_details items.deleted items.id"
    change += " proration_date"
    api.add("POST /subscriptions/{id}", own.update, params.SubscriptionUpdateParams, change)
    how = "cancellation_details invoice_now prorate"
    api.add("DELETE /subscriptions/{id}", own.cancel, params.SubscriptionCancelParams, how)
    how = "billing_cycle_anchor"
    api.add("POST /subscriptions/{id}/resume", own.resume, params.SubscriptionResumeParams, how)
    one = reading.one("subscription")
    api.add("GET /subscriptions/{id}", one, params.SubscriptionRetrieveParams)
    asked = "current_period_end customer price status test_clock"
    api.pages("/subscriptions", own.pages, params.SubscriptionListParams, asked)

    invoices, of = parts.invoices, "/invoices/{id}"
    preview = "customer discounts subscription subscription_details.billing_cycle_anchor"
    preview += " subscription_details.cancel_at_period_end subscription_details.items.deleted"
    preview += " subscription_details.items.id subscription_details.items.price"
    preview += " subscription_details.items.quantity subscription_details.proration_behavior"
    preview += " subscription_details.proration_date"
    path = "POST /invoices/create_preview"
    api.add(path, invoices.preview, params.InvoiceCreatePreviewParams, preview)
    pay = "off_session paid_out_of_band payment_method"
    api.add(f"POST {of}/pay", invoices.pay, params.InvoicePayParams, pay)
    api.add(f"POST {of}/void", invoices.void, params.InvoiceVoidInvoiceParams)
    final = params.InvoiceFinalizeInvoiceParams
    api.add(f"POST {of}/finalize", invoices.finalize, final, "auto_advance")
    written_off = params.InvoiceMarkUncollectibleParams
    api.add(f"POST {of}/mark_uncollectible", invoices.write_off, written_off)
    change = "auto_advance description metadata"
    api.add(f"POST {of}", invoices.update, params.InvoiceUpdateParams, change)
    api.pages(f"{of}/lines", invoices.lines, params.InvoiceLineItemListParams)
    api.add(f"GET {of}", reading.one("invoice"), params.InvoiceRetrieveParams)
    api.pages("/invoices", invoices.pages, params.InvoiceListParams, "customer status subscription")
    api.add("GET /invoiceitems/{id}", reading.one("invoiceitem"), params.InvoiceItemRetrieveParams)
    asked = "customer invoice"
    api.pages(
        "/invoiceitems",
        reading.pages("invoiceitem", "customer", "invoice"),
        params.InvoiceItemListParams,
        asked,
    )
    api.pages(
        "/invoice_payments",
        reading.pages("invoice_payment", "invoice", "status"),
        params.InvoicePaymentListParams,
        "invoice status",
    )


def _selling(api: Api, parts: Parts, reading: Reading) -> None:
    own, sessions = parts.checkout, "/checkout/sessions"
    made = "allow_promotion_codes automatic_tax.enabled cancel_url client_reference_id currency"
    made += " customer customer_creation customer_email customer_update discounts expires_at"
    made += " line_items.price line_items.quantity locale metadata mode"
    made += " payment_intent_data.description payment_intent_data.metadata"
    made += " payment_intent_data.receipt_email payment_intent_data.setup_future_usage"
    made += " allowed_payment_method_types payment_method_collection return_url"
    made += " setup_intent_data.metadata"
    made += " subscription_data.description subscription_data.metadata"
    made += " subscription_data.trial_end subscription_data.trial_period_days"
    made += " subscription_data.trial_settings success_url ui_mode billing_address_collection"
    api.add(f"POST {sessions}", own.create, params.checkout.SessionCreateParams, made)
    api.add(f"POST {sessions}/{{id}}/expire", own.expire, params.checkout.SessionExpireParams)
    lines = params.checkout.SessionLineItemListParams
    api.pages(f"{sessions}/{{id}}/line_items", own.line_items, lines)
    one = reading.one("checkout.session")
    api.add(f"GET {sessions}/{{id}}", one, params.checkout.SessionRetrieveParams)
    names = ("customer", "payment_intent", "status", "subscription")
    paged = reading.pages("checkout.session", *names)
    api.pages(sessions, paged, params.checkout.SessionListParams, " ".join(names))

    portal, configurations = parts.portal, "/billing_portal/configurations"
    portals = params.billing_portal
    made = "business_profile default_return_url features metadata name"
    api.add(f"POST {configurations}", portal.configure, portals.ConfigurationCreateParams, made)
    way = f"POST {configurations}/{{id}}"
    api.add(way, portal.update, portals.ConfigurationUpdateParams, f"{made} active")
    kind = "billing_portal.configuration"
    way = f"GET {configurations}/{{id}}"
    api.add(way, reading.one(kind), portals.ConfigurationRetrieveParams)
    paged = reading.pages(kind, "active", "is_default")
    asked = "active is_default"
    api.pages(configurations, paged, portals.ConfigurationListParams, asked)
    made = "configuration customer flow_data locale return_url"
    path = "POST /billing_portal/sessions"
    api.add(path, portal.create, portals.SessionCreateParams, made)


def _usage(api: Api, parts: Parts, reading: Reading) -> None:
    own, meters, billing = parts.meters, "/billing/meters", params.billing
    made = "customer_mapping default_aggregation display_name event_name event_time_window"
    made += " value_settings"
    api.add(f"POST {meters}", own.create, billing.MeterCreateParams, made)
    one = f"{meters}/{{id}}"
    api.add(f"POST {one}", own.update, billing.MeterUpdateParams, "display_name")
    api.add(f"POST {one}/deactivate", own.deactivate, billing.MeterDeactivateParams)
    api.add(f"POST {one}/reactivate", own.reactivate, billing.MeterReactivateParams)
    api.add(f"GET {one}", reading.one("billing.meter"), billing.MeterRetrieveParams)
    api.pages(meters, reading.pages("billing.meter", "status"), billing.MeterListParams, "status")
    event = "event_name identifier payload timestamp"
    api.add("POST /billing/meter_events", own.record, billing.MeterEventCreateParams, event)
    asked = "customer end_time start_time value_grouping_window"
    shape = billing.MeterEventSummaryListParams
    api.pages(f"{one}/event_summaries", own.summaries, shape, asked)

    entitlements, features = parts.entitlements, "/entitlements/features"
    shapes, made = params.entitlements, "lookup_key metadata name"
    api.add(f"POST {features}", entitlements.create, shapes.FeatureCreateParams, made)
    change = "active metadata name"
    api.add(f"POST {features}/{{id}}", entitlements.update, shapes.FeatureUpdateParams, change)
    feature = reading.one("entitlements.feature")
    api.add(f"GET {features}/{{id}}", feature, shapes.FeatureRetrieveParams)
    asked = "archived lookup_key"
    api.pages(features, entitlements.features, shapes.FeatureListParams, asked)
    active = "/entitlements/active_entitlements"
    api.pages(active, entitlements.active, shapes.ActiveEntitlementListParams, "customer")
    kind = "entitlements.active_entitlement"
    api.add(f"GET {active}/{{id}}", reading.one(kind), shapes.ActiveEntitlementRetrieveParams)


def _rest(api: Api, parts: Parts, reading: Reading) -> None:
    api.add("GET /events/{id}", reading.one("event"), params.EventRetrieveParams)
    asked = "delivery_success type types"
    api.pages("/events", parts.events.pages, params.EventListParams, asked)

    own, endpoints = parts.webhooks, "/webhook_endpoints"
    fields = "description enabled_events metadata url"
    made = f"{fields} api_version"
    api.add(f"POST {endpoints}", own.create, params.WebhookEndpointCreateParams, made)
    one, change = f"{endpoints}/{{id}}", f"{fields} disabled"
    api.add(f"POST {one}", own.update, params.WebhookEndpointUpdateParams, change)
    api.add(f"DELETE {one}", own.delete, params.WebhookEndpointDeleteParams)
    api.add(f"GET {one}", reading.one("webhook_endpoint"), params.WebhookEndpointRetrieveParams)
    api.pages(endpoints, reading.pages("webhook_endpoint"), params.WebhookEndpointListParams)

    clocks, way, shapes = parts.clocks, "/test_helpers/test_clocks", params.test_helpers
    api.add(f"POST {way}", clocks.create, shapes.TestClockCreateParams, "frozen_time name")
    advance = shapes.TestClockAdvanceParams
    api.add(f"POST {way}/{{id}}/advance", clocks.advance, advance, "frozen_time")
    api.add(f"DELETE {way}/{{id}}", clocks.delete, shapes.TestClockDeleteParams)
    kind = "test_helpers.test_clock"
    api.add(f"GET {way}/{{id}}", reading.one(kind), shapes.TestClockRetrieveParams)
    api.pages(way, reading.pages(kind), shapes.TestClockListParams)
