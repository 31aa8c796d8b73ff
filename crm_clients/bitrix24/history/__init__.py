"""Tell how the records of Bitrix24 stood at the cutoff, from the stage history of deals."""
