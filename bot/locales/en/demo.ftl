## reglament demo

demo-team = Sales
demo-company = Example and Partners
demo-living = Living { $days } days
demo-intro = A made-up department lived { $days }: { $scored } cutoffs, { $entries } rows in the ledger.
demo-events = On the way: { $down } the CRM did not answer in time (the day is not scored), { $late } it answered at the second attempt, { $absent } { $who } was absent, { $change } the bound for calls changed.
demo-personal = Personal messages of { $day }
demo-more = …and { $n } more of them
demo-board = The group
demo-digest = The head
demo-week = /week
demo-verified = The ledger is proved: the chain is whole, { $days } were counted again and gave the same points.
demo-files = Picture: { $picture }
demo-workbook = Workbook: { $workbook }
demo-next = Next: put a token from @BotFather into { $config } and start
demo-problem = Problems found: { $n }
field-source = Source
field-budget = Budget
