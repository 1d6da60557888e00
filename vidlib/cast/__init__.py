"""The cast: people across videos, as people confirmed them. It is off until its purpose is set.

`permission` says whether it is on. `records` has what is kept about a person in one video, `operations` the decisions
about people, `encryption` and `store` keep both. `collecting` reads faces and voices of a finished video, `attaching`
finds them again in another analysis, and `suggestions` compares them. `erasure` removes a person.
"""
