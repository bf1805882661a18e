"""What tests of the joined parts share with others: an installation, an operator's authority."""

from tests.gateway.conftest import installation
from tests.upstream.conftest import bundle, ca

__all__ = ["bundle", "ca", "installation"]
