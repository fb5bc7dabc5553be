"""Two accounts that join a collaboration, each call shown with its answer."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cleanrooms_mock import Handle, mock_cleanrooms

if TYPE_CHECKING:
    from mypy_boto3_cleanrooms import CleanRoomsServiceClient

ADVERTISER = "111111111111"
PUBLISHER = "222222222222"


def run() -> int:
    """Show the demo, and return the exit status."""
    with mock_cleanrooms() as cleanrooms:
        demo(cleanrooms)
    return 0


def demo(cleanrooms: Handle) -> None:
    """Have an advertiser invite a publisher that is to pay for their queries, and print what each call answers."""
    advertiser, publisher = cleanrooms.client(ADVERTISER), cleanrooms.client(PUBLISHER)

    print(
        f"{ADVERTISER} advertises and can query; {PUBLISHER} publishes, receives results, and is to pay for the queries.\n"
    )
    collaboration = _show(
        cleanrooms,
        lambda: advertiser.create_collaboration(
            name="spring campaign",
            description="Which of the publisher's readers saw the campaign?",
            creatorDisplayName="advertiser",
            creatorMemberAbilities=["CAN_QUERY"],
            members=[
                {
                    "accountId": PUBLISHER,
                    "displayName": "publisher",
                    "memberAbilities": ["CAN_RECEIVE_RESULTS"],
                    "paymentConfiguration": {"queryCompute": {"isResponsible": True}},
                }
            ],
            queryLogStatus="ENABLED",
        ),
        lambda answer: f"collaboration {answer['collaboration']['id']}, {answer['collaboration']['memberStatus']}",
    )["collaboration"]["id"]

    def join(client: CleanRoomsServiceClient, **more: Any) -> Any:
        return _show(
            cleanrooms,
            lambda: client.create_membership(collaborationIdentifier=collaboration, queryLogStatus="ENABLED", **more),
            lambda answer: (
                f"membership {answer['membership']['id']}, {answer['membership']['status']}, "
                f"pays for {_payer_of(answer['membership']['paymentConfiguration'])}"
            ),
        )

    results: Any = {
        "outputConfiguration": {"s3": {"bucket": "publisher-results", "resultFormat": "PARQUET"}},
        "roleArn": f"arn:aws:iam::{PUBLISHER}:role/results",
    }
    pays: Any = {"queryCompute": {"isResponsible": True}}
    print("The advertiser offers to pay for what it isn't asked to, then joins with nothing to pay.")
    join(advertiser, paymentConfiguration=pays)
    membership = join(advertiser)["membership"]["id"]
    print("The publisher says nothing of results, then nothing of payment, then refuses to pay, then accepts.")
    join(publisher)
    join(publisher, defaultResultConfiguration=results)
    join(publisher, defaultResultConfiguration=results, paymentConfiguration={"queryCompute": {"isResponsible": False}})
    join(publisher, defaultResultConfiguration=results, paymentConfiguration=pays)
    print("An account that nobody invited tries to join, and the creator tries to leave.")
    join(cleanrooms.client("999999999999"))
    _show(cleanrooms, lambda: advertiser.delete_membership(membershipIdentifier=membership), lambda _: "left")
    print("Who is in it now:")
    _show(
        cleanrooms,
        lambda: publisher.list_members(collaborationIdentifier=collaboration),
        lambda answer: "\n     ".join(
            f"{member['accountId']} {member['displayName']}: {member['status']}, {', '.join(member['abilities'])}, "
            f"pays for {_payer_of(member['paymentConfiguration'])}"
            for member in answer["memberSummaries"]
        ),
    )


def _show(cleanrooms: Handle, call: Callable[[], Any], tell: Callable[[Any], str]) -> Any:
    """Make a call and print who called what, and what was answered."""
    try:
        answer, told = call(), None
    except ClientError as error:
        answer, told = {}, f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    logged = cleanrooms.calls[-1]
    print(f"  {logged.account_id}  {logged.operation}  ->  {logged.status}")
    print(f"     {told or tell(answer)}")
    if logged.rule is not None:
        print(
            textwrap.fill(
                f"{logged.rule.id}: {logged.rule.text}", 110, initial_indent=" " * 5, subsequent_indent=" " * 5
            )
        )
    print()
    return answer


def _payer_of(configuration: Any) -> str:
    learning = configuration["machineLearning"]
    costs = {
        "queries": configuration["queryCompute"],
        "jobs": configuration["jobCompute"],
        "model training": learning["modelTraining"],
        "model inference": learning["modelInference"],
        "synthetic data": learning["syntheticDataGeneration"],
    }
    return ", ".join(name for name, part in costs.items() if part["isResponsible"]) or "nothing"
