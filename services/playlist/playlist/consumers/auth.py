"""Auth's users and sessions: void tokens and erase what is a user's, as every service does."""

from common.auth.subscriptions import subscriptions as revocations
from common.erasure import subscriptions as erasures

subscriptions = revocations | erasures
