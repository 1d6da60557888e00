"""Decisions of people that stay: what they are, where they are kept, and how results change by them.

`actions` has the kinds of decisions, `store` the file of each video, `anchors` the moments that they are about.
`shots`, `turns` and `tracks` apply them, as pure functions: to the results of a step, and to a preview.
"""
