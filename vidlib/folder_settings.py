"""The settings of the workspace: where results, decisions of people and the history lie."""

import os
import pwd
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from vidlib.setting_types import Folder, pattern_with_group, plain_folder

WORKSPACE = "workspace"
"""The name of a workspace that is not set."""

DERIVED = {
    "inbox_dir": "inbox",
    "projects_dir": "projects",
    "work_dir": "work",
    "runs_dir": "runs",
    "delivery_dir": "delivery",
    "archive_dir": "archive",
    "corrections_dir": "corrections",
    "cast_dir": "cast",
    "operator": "person",
    "database_url": "database",
}
"""Settings whose default depends on the workspace, and the property that has the value in force."""


class FolderSettings(BaseModel):
    """Folders; those that are not set lie in the workspace."""

    workspace: Folder = Field(
        Path(WORKSPACE),
        validate_default=True,
        description="Folder that contains all other folders. Default: inside the checkout, the nearest `workspace` "
        "upwards that has an inbox or results, or that of the checkout; elsewhere, the one in the current folder.",
    )
    inbox_dir: Folder | None = Field(
        None, description="Folder for incoming archives and videos. Default: `inbox` in the workspace."
    )
    projects_dir: Folder | None = Field(
        None, description="Folder for extracted projects. Default: `projects` in the workspace."
    )
    docs_folder: Annotated[str, AfterValidator(plain_folder)] = Field(
        "docs", description="Subfolder of a project for its files and results; may be nested, such as `media/clips`."
    )
    project_name_pattern: Annotated[str, AfterValidator(pattern_with_group)] | None = Field(
        None,
        description="Regular expression whose group extracts the project name from the name of a delivery. "
        "Default: the whole name.",
    )
    work_dir: Folder | None = Field(
        None, description="Folder for the results of finished steps. Default: `work` in the workspace."
    )
    runs_dir: Folder | None = Field(
        None, description="Folder for the reports and logs of runs. Default: `runs` in the workspace."
    )
    delivery_dir: Folder | None = Field(
        None, description="Folder for finalized projects. Default: `delivery` in the workspace."
    )
    archive_dir: Folder | None = Field(
        None, description="Folder for permanent results, stored by content. Default: `archive` in the workspace."
    )
    corrections_dir: Folder | None = Field(
        None,
        description="Folder for the corrections of people, a file for each video. Default: `corrections` in the "
        "workspace.",
    )
    cast_dir: Folder | None = Field(
        None,
        description="Folder for the cast: faces and voices of people across videos, encrypted. Default: `cast` in the "
        "workspace.",
    )
    operator: str | None = Field(
        None, max_length=80, description="Name under which corrections are recorded. Default: the login name."
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the history. Default: the SQLite file `vidlib.sqlite` in the workspace."
    )

    @property
    def inbox(self) -> Path:
        return self.inbox_dir or self.workspace / "inbox"

    @property
    def projects(self) -> Path:
        return self.projects_dir or self.workspace / "projects"

    @property
    def work(self) -> Path:
        return self.work_dir or self.workspace / "work"

    @property
    def runs(self) -> Path:
        return self.runs_dir or self.workspace / "runs"

    @property
    def delivery(self) -> Path:
        return self.delivery_dir or self.workspace / "delivery"

    @property
    def archive(self) -> Path:
        return self.archive_dir or self.workspace / "archive"

    @property
    def corrections(self) -> Path:
        return self.corrections_dir or self.workspace / "corrections"

    @property
    def cast(self) -> Path:
        return self.cast_dir or self.workspace / "cast"

    @property
    def person(self) -> str:
        """The name under which this user's corrections are recorded."""
        if self.operator:
            return self.operator
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container may run as a user without a name
            return f"user {os.getuid()}"

    @property
    def database(self) -> str:
        # SQLAlchemy decodes percent signs in a URL, and a question mark begins its options
        file = str(self.workspace / "vidlib.sqlite").replace("%", "%25").replace("?", "%3F")
        return self.database_url or f"sqlite:///{file}"
