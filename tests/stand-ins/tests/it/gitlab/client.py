"""Drives the stand-in of GitLab with python-gitlab: the address is the first
argument, the tokens are in the environment, and a failed assertion fails it."""

import os
import sys

import gitlab
from gitlab import exceptions

URL, COMMIT = sys.argv[1], sys.argv[2]


def connect(variable):
    return gitlab.Gitlab(URL, private_token=os.environ[variable], retry_transient_errors=False)


def fails(error, status, words, action):
    try:
        action()
    except error as raised:
        assert raised.response_code == status, raised
        assert words in str(raised), raised
    else:
        raise AssertionError(f"{words} did not fail")


def notes(merge_request):
    made = [merge_request.notes.create({"body": f"note {i}"}) for i in range(45)]
    assert made[0].id > 2**31 and made[0].noteable_iid == merge_request.iid

    page = merge_request.notes.list(get_all=False)
    assert len(page) == 20 and page[0].body == "note 44", "twenty, the newest first"
    every = merge_request.notes.list(iterator=True, sort="asc", per_page=7)
    assert [note.body for note in every] == [f"note {i}" for i in range(45)]
    assert every.total == 45 and every.total_pages == 7 and every.per_page == 7
    assert len(merge_request.notes.list(get_all=True, per_page=1000)) == 45, "a hundred at most"

    note = merge_request.notes.get(made[3].id)
    note.body = "changed"
    note.save()
    assert merge_request.notes.get(note.id).body == "changed"
    note.delete()
    fails(exceptions.GitlabGetError, 404, "404 Not found", lambda: merge_request.notes.get(note.id))

    create = merge_request.notes.create
    for body, words in [("x" * 1_000_001, "The maximum is 1000000"), (" ", "can't be blank")]:
        fails(exceptions.GitlabCreateError, 400, words, lambda: create({"body": body}))
    unknown = lambda: create({"body": "x", "boddy": "x"})
    fails(exceptions.GitlabCreateError, 400, "unknown parameter boddy", unknown)
    create({"body": "/close"})
    assert merge_request.manager.get(merge_request.iid).state == "closed"


def statuses(project):
    statuses = project.commits.get(COMMIT, lazy=True).statuses
    set_to = lambda state: statuses.create({"state": state, "name": "preview", "ref": "main"})
    assert set_to("running").status == "running"
    words = "Cannot transition status via :run from :running"
    fails(exceptions.GitlabCreateError, 400, words, lambda: set_to("running"))
    done = set_to("success")
    assert [one.id for one in statuses.list(get_all=True, name="preview")] == [done.id]
    fails(exceptions.GitlabCreateError, 400, "state does not have a valid value", lambda: set_to("ok"))
    unknown = project.commits.get("0" * 40, lazy=True).statuses
    missing = lambda: unknown.create({"state": "success"})
    fails(exceptions.GitlabCreateError, 404, "404 Commit Not Found", missing)


def deployments(project):
    wanted = {"environment": "review/1", "sha": COMMIT, "ref": "main", "tag": False}
    made = project.deployments.create({**wanted, "status": "running"})
    assert project.deployments.create({**wanted, "status": "running"}).id == made.id
    made.status = "success"
    made.save()
    again = lambda: project.deployments.update(made.id, {"status": "success"})
    fails(exceptions.GitlabUpdateError, 400, "cannot transition via", again)
    listed = project.deployments.list(get_all=True, environment="review/1", sort="desc")
    assert [(one.id, one.status) for one in listed] == [(made.id, "success")]
    (environment,) = project.environments.list(get_all=True, name="review/1")
    environment.external_url = "https://mr-1.example.com"
    environment.save()
    assert project.environments.get(environment.id).external_url == "https://mr-1.example.com"


def access(number):
    wrong = gitlab.Gitlab(URL, private_token="glpat-wrong")
    fails(exceptions.GitlabAuthenticationError, 401, "401 Unauthorized", wrong.auth)
    reader = connect("READER").projects.get("shop/site").mergerequests.get(number)
    write = lambda: reader.notes.create({"body": "x"})
    fails(exceptions.GitlabCreateError, 403, "insufficient_scope", write)
    outsider = lambda: connect("OUTSIDER").projects.get(42)
    fails(exceptions.GitlabGetError, 404, "404 Project Not Found", outsider)
    job = gitlab.Gitlab(URL, job_token=os.environ["JOB"]).projects.get(42, lazy=True)
    notes = job.mergerequests.get(number, lazy=True).notes
    assert notes.list(get_all=False), "a job reads"
    write = lambda: notes.create({"body": "x"})
    fails(exceptions.GitlabAuthenticationError, 401, "401 Unauthorized", write)
    assert job.deployments.list(get_all=True), "a job sees deployments"


api = connect("API")
api.auth()
assert api.user.username == "bot"
project = api.projects.get("shop/site")
assert project.id == 42
merge_request = project.mergerequests.get(1)
assert merge_request.web_url == f"{URL}/shop/site/-/merge_requests/1"
assert [one.iid for one in project.mergerequests.list(get_all=True, state="opened")] == [2, 1]
notes(merge_request)
statuses(project)
deployments(project)
access(merge_request.iid)
