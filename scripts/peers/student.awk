# The 97.5 % point of Student's t; by Cornish and Fisher from 10 degrees of freedom on.
function student(df,   t, z) {
	split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", t, " ")
	z = 1.959964
	return df in t ? t[df] : z + (z ^ 3 + z) / (4 * df) + (5 * z ^ 5 + 16 * z ^ 3 + 3 * z) / (96 * df ^ 2)
}
