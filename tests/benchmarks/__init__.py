"""What calls and queries cost; importing this package registers all cases."""

from tests.benchmarks import query_cases as query_cases
