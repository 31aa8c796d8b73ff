# KPIs: the name, the words when all is well, the words for zero. One catalogue for bot, pictures, workbook and documents.

kpi-companies_added = New companies
kpi-meetings_held = Meetings
kpi-calls_held = Calls
kpi-talk_minutes = Talk minutes
kpi-missed_calls = Missed calls
kpi-deals_won = Deals won
kpi-won_amount = Sum of deals won
kpi-deals_lost = Deals lost
kpi-lost_without_reason = Lost without a reason
kpi-deals_open = Open deals
kpi-overdue_tasks = Overdue tasks
kpi-deals_without_task = Deals without a task
kpi-deals_without_comment = Deals without a comment
kpi-deals_missing_fields = Deals with empty fields
kpi-stale_deals = Stale deals

fine-companies_added = companies { $value }
fine-meetings_held = meetings { $value }
fine-calls_held = calls { $value }
fine-talk_minutes = talk minutes { $value }
fine-missed_calls = missed calls: { $value }
fine-deals_won = deals won { $value }
fine-won_amount = won { $value }
fine-deals_lost = deals lost: { $value }
fine-lost_without_reason = lost without a reason: { $value }
fine-deals_open = open deals { $value }
fine-overdue_tasks = overdue tasks: { $value }
fine-deals_without_task = deals without a task: { $value }
fine-deals_without_comment = deals without a comment: { $value }
fine-deals_missing_fields = deals with empty fields: { $value }
fine-stale_deals = stale deals: { $value }

none-overdue_tasks = no overdue tasks
none-deals_without_task = no deals without a task
none-deals_without_comment = no deals without a comment
none-deals_missing_fields = no deals with empty fields
none-stale_deals = no stale deals
none-missed_calls = no missed calls
none-deals_lost = no deals lost
none-lost_without_reason = every loss has a reason
